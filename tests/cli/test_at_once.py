"""What can be refused or listed without the model never waits for torch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PHOTO = ROOT / "examples" / "portrait-1.jpg"
COMMANDS = {
    "edit nope.jpg --smile 1": 3,
    f"edit {PHOTO} --smile 1 --fidelity magic": 2,
    f"edit {PHOTO} --smile 1 --model nope": 2,
    f"edit {PHOTO} --smile 1 --aligner nope": 2,
    f"edit {PHOTO} --smile 1 --device tpu": 2,
    f"edit {PHOTO} --smile 1 --size 999": 2,
    f"edit {PHOTO} --smile 9": 2,
    f"edit {PHOTO} --smile 1 -o {PHOTO}": 2,
    f"mix {PHOTO} --coarse-from nope.jpg": 2,
    "mix nope.jpg b.jpg --coarse-from b": 3,
    f"morph {PHOTO} nope.jpg": 3,
    f"grid {PHOTO} --with nope.jpg": 3,
    "paint nope.jpg --brush 1,2,3,#ffffff": 3,
    "sample --coarse-from nope.jpg": 3,
    "presets sheet smile nope.jpg": 3,
    "presets import nope.safetensors": 7,
    "presets list": 0,
    "presets show smile": 0,
    "models import nope.pth": 7,
    "models list": 0,
    "cache info": 0,
    "evaluate nope": 3,
}
PROBE = """
import sys
from facemod.cli.app import main
sys.argv = ["facemod", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    print(ended.code, "torch" in sys.modules, file=sys.__stderr__)
"""


@pytest.mark.parametrize("line", COMMANDS)
def test_without_torch(line, tmp_path):
    environment = os.environ | {"HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, *line.split()],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.stderr.splitlines()[-1] == f"{COMMANDS[line]} False", ended.stderr
    assert not list(tmp_path.iterdir())
