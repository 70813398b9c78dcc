"""Freed memory is kept where glibc can be told so, and nothing breaks where it cannot."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from facemod.tensors import memory

PROBE = """
import mmap, resource, sys
from facemod.tensors.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(10):
    block = bytearray(40 << 20)
    del block
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def page_faults(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_blocks_are_used_again():
    assert page_faults("keep") < page_faults("default") / 3


def test_other_systems_do_without(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    memory.keep_freed_memory()
