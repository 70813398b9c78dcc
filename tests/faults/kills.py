"""Kill runs at random instants, again and again, and check what they leave behind.

    PYTHONPATH=.:tests python -m faults.kills --kills 500 --photos 100

Each *round* edits a folder of photos, some of them rubbish, with a fake model. The run is killed
(SIGKILL, or SIGINT or SIGTERM now and then) after a random time and started again, the same
command each time, until one comes to its end. Kills add up over rounds. After every kill, every
file under a final name must be complete and right; at the end of a round, every photo must be
accounted for, and no work done twice but what was under way at a kill.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from fakes import FakeDetector, FakeModel
from faults.forked import be_silent, end_by
from PIL import Image
from toys import write_toy_presets

import facemod.faces.detect
from facemod.latent import presets as preset_files
from facemod.models import registry

PRESETS = write_toy_presets(Path(tempfile.mkdtemp(prefix="facemod-presets-")))
preset_files.preset_folders = lambda: [PRESETS]

from facemod.cli.app import main as command_line  # noqa: E402 - presets become options there

MOMENT = 0.004
"""Seconds that the model takes for a batch."""
IN_FLIGHT = 16
"""More photos than are ever written at the same time."""


def make_photos(folder: Path, count: int) -> dict[str, bool]:
    """Small photos of all formats by name, and whether each can be edited."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    good = {}
    for i in range(count):
        suffix = ("jpg", "png", "webp", "tiff")[i % 4]
        path = folder / f"sub{i % 3}/{i:04}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        pixels = rng.integers(60, 180, (64, 64, 3), np.uint8) * (i % 20 != 7)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        if i % 20 == 13:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        good[f"sub{i % 3}/{i:04}.{suffix}"] = i % 20 not in (7, 13)
    return good


class SlowModel(FakeModel):
    """Takes a moment for each batch, so that there are instants to be killed at."""

    def encode(self, images):
        time.sleep(MOMENT)
        return super().encode(images)


def start(work: Path, jobs: int) -> int:
    """The command line on fakes in a process of its own, that need not import anything."""
    if child := os.fork():
        return child
    os.chdir(work)
    be_silent()
    registry.LOADERS[registry.BUNDLED] = lambda device: SlowModel()
    facemod.faces.detect.make_detector = lambda name, device: (FakeDetector(), "fake")
    words = ["edit", "photos", "-r", "--smile", "1", "-o", "out", "-q", "--jobs", str(jobs)]
    end_by(command_line, words)


def exit_code(child: int) -> int | None:
    """How a process ended; minus the signal that killed it; None while it runs."""
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None


def results(work: Path) -> dict[str, bytes]:
    """Every visible file under the output folder."""
    out = work / "out"
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(out).parts)
    }


def reference(work: Path) -> dict[str, bytes]:
    """What an undisturbed run makes."""
    os.waitpid(start(work, jobs=2), 0)
    found = results(work)
    shutil.rmtree(work / "out")
    return found


def disturbed(work: Path, life: float, rng: random.Random) -> tuple[int, bool]:
    """A run that gets a signal at a random instant: its exit code, and whether it got one."""
    logs = work / "out/.facemod"
    before = set(logs.glob("*.jsonl"))
    child = start(work, jobs=rng.choice([0, 2, 4]))
    # Until it begins to write there is nothing to hurt.
    while (code := exit_code(child)) is None and set(logs.glob("*.jsonl")) == before:
        time.sleep(0.001)
    ends = time.monotonic() + rng.expovariate(1 / life)
    while code is None and time.monotonic() < ends:
        time.sleep(0.0005)
        code = exit_code(child)
    if code is not None:
        return code, False
    os.kill(child, rng.choices([signal.SIGKILL, signal.SIGINT, signal.SIGTERM], [8, 1, 1])[0])
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), True


def one_round(
    work: Path, expected: dict[str, bytes], good: dict[str, bool], kills: int,
    life: float, rng: random.Random,
) -> Counter[str]:  # fmt: skip
    """Run to the end through at most ``kills`` kills; what happened, counted."""
    count: Counter[str] = Counter()
    while True:
        if count["kills"] < kills:
            code, killed = disturbed(work, life, rng)
            count["kills"] += killed
        else:
            code = os.waitstatus_to_exitcode(os.waitpid(start(work, 2), 0)[1])
        for name, data in results(work).items():
            assert data == expected[name], f"{name} is not what it should be"
        if code == 5:  # some photos are rubbish: that is the undisturbed end
            break
        # -15: it had not come to listen yet.
        assert code in (-9, -15, 130, 143), f"exit code {code}"
    assert set(results(work)) == {name for name, fine in good.items() if fine}
    check_logs(work, good, count)
    litter = [p for p in (work / "out").rglob(".facemod-*") if p.is_file()]
    assert not litter, f"left over: {litter}"
    return count


def check_logs(work: Path, good: dict[str, bool], count: Counter[str]) -> None:
    """Every photo is accounted for by the last run, and hardly any was written twice."""
    logs = sorted((work / "out/.facemod").glob("*.jsonl"))
    announced: Counter[str] = Counter()
    for log in logs:
        for line in log.read_text().splitlines():
            if line.startswith('{"writing"') and line.endswith("}"):
                announced[json.loads(line)["writing"]["target"]] += 1
    # By time and not by name: two runs of one second differ in the random part of theirs.
    last = max(
        (log for log in logs if log.name.count(".") == 1), key=lambda x: x.stat().st_mtime_ns
    )
    lines = [json.loads(line) for line in last.read_text().splitlines()]
    outcomes = [line["outcome"] for line in lines if "outcome" in line]
    assert {o["input"] for o in outcomes} == {f"photos/{name}" for name in good}
    ended_well = {o["input"] for o in outcomes if o["status"] in ("done", "skipped")}
    assert ended_well == {f"photos/{name}" for name, fine in good.items() if fine}
    again = sum(times - 1 for times in announced.values())
    assert again <= IN_FLIGHT * count["kills"], f"{again} photos were written twice"
    count["written again"] += again
    count["rounds"] += 1


def run(kills: int, photos: int, life: float, seed: int) -> Counter[str]:
    """Rounds until there were ``kills`` kills."""
    rng = random.Random(seed)
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="facemod-kills-") as name:
        work = Path(name)
        good = make_photos(work / "photos", photos)
        expected = reference(work)
        assert set(expected) == {name for name, fine in good.items() if fine}
        while total["kills"] < kills:
            shutil.rmtree(work / "out", ignore_errors=True)
            total += one_round(work, expected, good, kills - total["kills"], life, rng)
            sys.stderr.write(f"{dict(total)}\n")
    return total


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--life", type=float, default=0.15, help="mean seconds until a kill")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    run(options.kills, options.photos, options.life, options.seed)
