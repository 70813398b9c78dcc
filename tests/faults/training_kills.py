"""Kill a training run of every recipe (SIGKILL) and see that it ends as one that was left alone.

PYTHONPATH=.:tests OMP_NUM_THREADS=1 python -m faults.training_kills
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from faults.forked import be_silent, end_by
from PIL import Image

from facemod.cli.app import main as command_line
from facemod.training.introspective.methods import METHODS
from facemod.training.loop import STATE
from facemod.weights.files import load_weights

SMALL = (
    "--resolution 16 --channels 8,8,4 --latent 8 --batch 4 --steps 24 --checkpoint-every 3 "
    "--precision 32-true --device cpu --quiet"
)


def start(work: Path, recipe: str, run: str) -> int:
    """A training run by the command line in a process of its own, that need not import anything."""
    if child := os.fork():
        return child
    os.chdir(work)
    be_silent()
    end_by(command_line, ["train", "pictures", "-o", run, "--recipe", recipe, *SMALL.split()])


def finish(work: Path, recipe: str, run: str) -> None:
    """Let a run come to its end."""
    _, status = os.waitpid(start(work, recipe, run), 0)
    assert status == 0, f"{recipe}: {run} ended with {status}"


def kill(work: Path, recipe: str, run: str, rng: random.Random) -> None:
    """Begin a run and kill it some time after its second checkpoint."""
    child, state, written = start(work, recipe, run), work / run / STATE, set()
    while len(written) < 2:
        if state.exists():
            written.add(state.stat().st_mtime_ns)
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.05))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{recipe}: over before it was killed"


def same(one: object, other: object) -> bool:
    """Whether two states hold the same, bit for bit; the clock apart."""
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        keys = one.keys() - {"seconds"}
        return keys == other.keys() - {"seconds"} and all(same(one[k], other[k]) for k in keys)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    rng = random.Random(parser.parse_args().seed)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "pictures").mkdir()
        for number in range(8):
            pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(work / f"pictures/{number}.png")
        for recipe in METHODS:
            kill(work, recipe, f"{recipe}-killed", rng)
            for run in ("killed", "whole"):
                finish(work, recipe, f"{recipe}-{run}")
        for recipe in METHODS:
            folders = [work / f"{recipe}-{run}" for run in ("killed", "whole")]
            # As read: the order of a safetensors header's entries changes from process to process.
            models = [load_weights(f / "model.safetensors") for f in folders]
            assert same(*models), f"{recipe}: another model"
            states = [torch.load(f / STATE, weights_only=True) for f in folders]
            assert states[0]["step"] == 24 and same(*states), f"{recipe}: another state"
            sys.stdout.write(f"{recipe}: the same\n")


if __name__ == "__main__":
    main()
