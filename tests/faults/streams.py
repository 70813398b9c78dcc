"""Run commands on fakes, each in a process of its own whose standard streams are a given mess.

    PYTHONPATH=.:tests python -m faults.streams

prints one line of JSON for each command and mess: how it ended, and what it said.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from fakes import FakeDetector, FakeModel
from faults.forked import end_by
from PIL import Image
from toys import write_toy_presets

import facemod.faces.detect
from facemod.latent import presets as preset_files
from facemod.models import registry

PRESETS = write_toy_presets(Path(tempfile.mkdtemp(prefix="facemod-presets-")))
preset_files.preset_folders = lambda: [PRESETS]

from facemod.cli.app import main as command_line  # noqa: E402 - presets become options there

COMMANDS = {
    "edit": ["edit", "a.png", "--smile", "1", "--overwrite", "-o", "out.png"],
    "jsonl": ["edit", "a.png", "--smile", "1", "--overwrite", "--jsonl"],
    "stdin": ["edit", "--files-from", "-", "--smile", "1", "--overwrite"],
    "list": ["presets", "list"],
    "typo": ["edit", "nope.png", "--smile", "1"],
    "usage": ["edit", "a.png", "--smiel", "1", "--json"],
}
SLOWLY = ["edit", "a.png", "--smile", "1", "--overwrite", "-o", "slow.png"]


class SlowModel(FakeModel):
    """Long enough for a signal to come in between."""

    def encode(self, images):
        Path("begun").touch()
        time.sleep(1)
        return super().encode(images)


def start(words: list[str], streams: dict[int, str | None], *, slow: bool = False) -> int:
    """The command line in a new process; each stream is a file or device, or closed."""
    if child := os.fork():
        return child
    for number, path in streams.items():
        os.close(number)
        if path is not None:
            flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT
            os.dup2(os.open(path, flags), number)
    # What Python makes of them when it starts.
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        opened = streams[number] is not None
        stream = open(number, "w" if number else "r", closefd=False) if opened else None  # noqa: SIM115
        setattr(sys, name, stream)
    registry.LOADERS[registry.BUNDLED] = lambda device: SlowModel() if slow else FakeModel()
    facemod.faces.detect.make_detector = lambda name, device: (FakeDetector(), "fake")
    end_by(command_line, words)


def code_of(child: int) -> int:
    """How a process ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def told(name: str) -> str:
    """What went to a stream, if it was a file."""
    return Path(name).read_text() if Path(name).exists() else ""


def attempt(name: str, mess: str, streams: dict[int, str | None]) -> dict[str, object]:
    """One command with its streams in a mess."""
    for file in ("out.png", "said", "data"):
        Path(file).unlink(missing_ok=True)
    code = code_of(start(COMMANDS[name], streams))
    whole = Path("out.png").exists() and Image.open("out.png").convert("RGB").size == (96, 96)
    return {
        "command": name,
        "mess": mess,
        "code": code,
        "said": told("said"),
        "data": told("data"),
        "photo": bool(whole),
    }


def messes() -> dict[str, dict[int, str | None]]:
    """Every combination of closed streams, and full ones."""
    found: dict[str, dict[int, str | None]] = {}
    for closed in itertools.product((False, True), repeat=3):
        paths = (os.devnull, "data", "said")
        found["closed:" + "".join(str(n) for n in range(3) if closed[n])] = {
            number: None if closed[number] else paths[number] for number in range(3)
        }
    found["stdout full"] = {0: os.devnull, 1: "/dev/full", 2: "said"}
    found["stderr full"] = {0: os.devnull, 1: "data", 2: "/dev/full"}
    return found


def terminated(number: int) -> dict[str, object]:
    """A run that hears a signal while its photo is in the model."""
    for file in ("begun", "said"):
        Path(file).unlink(missing_ok=True)
    child = start(SLOWLY, {0: os.devnull, 1: "data", 2: "said"}, slow=True)
    while not Path("begun").exists():
        time.sleep(0.01)
    os.kill(child, number)
    code = code_of(child)
    return {"command": "signal", "mess": str(number), "code": code, "said": told("said")}


def main() -> None:
    """Try everything and print it."""
    sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), line_buffering=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pixels = np.random.default_rng(3).integers(60, 180, (96, 96, 3), np.uint8)
        Image.fromarray(pixels).save("a.png")
        found = [
            attempt(name, mess, streams) for mess, streams in messes().items() for name in COMMANDS
        ]
        found += [terminated(number) for number in (signal.SIGTERM, signal.SIGINT)]
        for facts in found:
            print(json.dumps(facts))  # noqa: T201
        os.chdir("/")


if __name__ == "__main__":
    main()
