"""Fuzz one target with atheris, for as long as libFuzzer is told to.

pip install atheris
PYTHONPATH=.:tests python -m fuzz.by_hand picture -max_total_time=600
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["facemod", "PIL"]):
    from fuzz.targets import TARGETS, seeds

if __name__ == "__main__":
    name = sys.argv.pop(1)
    corpus = Path(tempfile.mkdtemp(prefix=f"facemod-corpus-{name}-"))
    for number, seed in enumerate(seeds(name)):
        (corpus / str(number)).write_bytes(seed)
    atheris.Setup([*sys.argv, str(corpus)], TARGETS[name])
    atheris.Fuzz()
