"""Files that are held while their process lives."""

from __future__ import annotations

import subprocess
import sys

import pytest

from facemod.files import locks

HOLDER = """
import sys
from facemod.files import locks
stream = open(sys.argv[1], "w")
locks.hold(stream)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(locks.fcntl is None, reason="this platform knows no such locks")
def test_a_file_is_left_once_its_process_is_gone(tmp_path):
    path = tmp_path / "log"
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert not locks.is_left(path)
        process.kill()
    assert locks.is_left(path)


def test_without_such_locks_nothing_is_ever_taken_for_left(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    path = tmp_path / "log"
    with path.open("w") as stream:
        locks.hold(stream)
    assert not locks.is_left(path)
