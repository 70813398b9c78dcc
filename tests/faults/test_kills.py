"""A few kills; ``faults/kills.py`` by hand does hundreds. Training is killed, too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def by_hand(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this folder in a process of its own."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    ended = subprocess.run(
        [sys.executable, "-m", module, *words],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return ended


def test_runs_killed_at_random_instants_lose_and_double_nothing():
    ended = by_hand("faults.kills", "--kills", "8", "--photos", "20", "--seed", "4")
    assert "'kills': 8" in ended.stderr


def test_training_that_was_killed_ends_bit_for_bit_as_if_it_was_not():
    ended = by_hand("faults.training_kills")
    said = [f"{name}: the same" for name in ("pioneer", "balanced", "automodulator")]
    assert ended.stdout.splitlines() == said
