"""Several worker processes: shared work, and deaths that lose nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeDetector, FakeModel, open_fake
from PIL import Image

from facemod.editing.editor import Editor
from facemod.errors import ModelError
from facemod.jobs.processes import WorkerDiedError, run
from facemod.jobs.worker import Worker

DEVICES = ["cpu", "cpu"]
POISON = (255, 40, 40)


class DyingModel(FakeModel):
    """Dies with its process when it sees a red face; ``once`` is a file that it leaves then."""

    def __init__(self, once: Path | None) -> None:
        self.once = once

    def encode(self, images):
        red = (images[:, 0] - images[:, 1]).mean() > 0.8
        if red and not (self.once and self.once.exists()):
            if self.once:
                self.once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().encode(images)


class Opener:
    """Opens editors around dying models; can be pickled."""

    def __init__(self, once: Path | None = None) -> None:
        self.once = once

    def __call__(self, device: str) -> Editor:
        return Editor(DyingModel(self.once), FakeDetector())


def no_model(device: str) -> Editor:
    raise ModelError("no weights")


def dead_on_arrival(device: str) -> Editor:
    os._exit(3)


def results(spec, jobs) -> dict[str, str]:
    outcomes = list(run(Worker(spec), jobs, DEVICES))
    assert len(outcomes) == len(jobs)
    return {Path(outcome.input).name: outcome.status for outcome in outcomes}


def test_every_job_is_done_once(make_jobs, make_spec):
    jobs = make_jobs(30)
    assert results(make_spec(open_fake), jobs) == {f"{i:03}.png": "done" for i in range(30)}
    logs = list((jobs[0].target.parent / ".facemod").glob("*.jsonl"))
    assert 1 <= len(logs) <= 2
    assert sum(log.read_text().count('"writing"') for log in logs) == 30


@pytest.mark.parametrize("deadly", [False, True])
def test_a_dead_worker_loses_nothing(make_jobs, make_spec, tmp_path, deadly):
    jobs = make_jobs(16)
    Image.fromarray(np.full((96, 96, 3), POISON, np.uint8)).save(jobs[4].source)
    opener = Opener(once=None if deadly else tmp_path / "died")
    found = results(make_spec(opener), jobs)
    assert found.pop("004.png") == ("failed" if deadly else "done")
    # What a worker had put there when it died, before it could tell, is there for the next one.
    assert set(found.values()) <= {"done", "skipped"}
    assert len(found) == 15 and all((jobs[0].target.parent / name).exists() for name in found)


@pytest.mark.parametrize(("opener", "problem"), [(no_model, ModelError),
                                                 (dead_on_arrival, WorkerDiedError)])  # fmt: skip
def test_workers_that_cannot_start_end_the_run(make_jobs, make_spec, opener, problem):
    with pytest.raises(problem):
        list(run(Worker(make_spec(opener)), make_jobs(2), DEVICES))


def test_stopping(make_jobs, make_spec):
    jobs = make_jobs(60)
    seen = []
    for outcome in run(Worker(make_spec(open_fake)), jobs, DEVICES, lambda: len(seen) >= 4):
        seen.append(outcome)
    assert 4 <= len(seen) < 40
    assert {job.target for job in jobs if job.target.exists()} == {
        Path(outcome.output) for outcome in seen
    }
