"""A few kills; ``faults/kills.py`` by hand does hundreds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_runs_killed_at_random_instants_lose_and_double_nothing():
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    words = ["--kills", "8", "--photos", "20", "--seed", "4"]
    ended = subprocess.run(
        [sys.executable, "-m", "faults.kills", *words],
        env=environment, capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert "'kills': 8" in ended.stderr
