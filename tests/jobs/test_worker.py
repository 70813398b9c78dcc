"""The worker: overlap, order, batches across photos, and every kind of failure on its own."""

from __future__ import annotations

import pickle
import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from fakes import FailingModel, FakeDetector, FakeModel, FittingFake, open_fake
from PIL import Image

from facemod.editing.editor import Editor
from facemod.fidelity.ladder import Fidelity
from facemod.jobs import worker as workers
from facemod.jobs.plan import Job
from facemod.jobs.worker import Worker


class HungryModel(FakeModel):
    """Has memory for two faces at a time."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encode(self, images):
        if len(images) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        self.batches.append(len(images))
        return super().encode(images)


def opened(model: FakeModel, device: str = "cpu") -> Editor:
    return Editor(model, FakeDetector())


@pytest.mark.parametrize("threads", [0, 1, 4])
@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_every_job_ends_as_one_outcome_in_order(make_jobs, make_spec, threads, batch_size):
    jobs = make_jobs(7)
    jobs[2].source.write_bytes(b"rubbish")
    jobs[5].source.unlink()
    outcomes = list(Worker(make_spec(threads=threads, batch_size=batch_size))(jobs))
    assert [outcome.input for outcome in outcomes] == [str(job.source) for job in jobs]
    failed = [i for i, outcome in enumerate(outcomes) if outcome.status == "failed"]
    assert failed == [2, 5]
    assert [job.target.exists() for job in jobs] == [i not in failed for i in range(7)]


def test_batches_make_no_difference(make_jobs, make_spec):
    jobs = make_jobs(5, faces=2)
    results = []
    for batch_size in (1, 4):
        list(Worker(make_spec(batch_size=batch_size, overwrite=True))(jobs))
        results.append([job.target.read_bytes() for job in jobs])
    assert results[0] == results[1]


def test_batches_cross_photos(make_jobs, make_spec):
    model = HungryModel()
    list(Worker(make_spec(partial(opened, model), batch_size=2))(make_jobs(6)))
    assert model.batches == [2, 2, 2]


def test_out_of_memory_halves_the_batch_and_says_so(make_jobs, make_spec):
    model = HungryModel()
    outcomes = list(Worker(make_spec(partial(opened, model), batch_size=8))(make_jobs(8)))
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert model.batches == [2, 2, 2, 2]
    assert any("batches of 2 from here on" in note for o in outcomes for note in o.notes)


def test_a_photo_of_many_faces_goes_through_in_parts(make_jobs, make_spec):
    model = HungryModel()
    (job,) = make_jobs(1, faces=30)
    (outcome,) = Worker(make_spec(partial(opened, model), batch_size=2))([job])
    assert len(outcome.faces) == 30
    assert model.batches == [2] * 15


def test_one_bad_face_fails_its_photo_alone(make_jobs, make_spec):
    first_fails = FailingModel(RuntimeError("this batch"), nth=1)
    outcomes = list(Worker(make_spec(partial(opened, first_fails), batch_size=4))(make_jobs(4)))
    assert {outcome.status for outcome in outcomes} == {"done"}

    class Picky(FakeModel):
        def encode(self, images):
            if (images[:, 0].mean((1, 2)) > 0.5).any():
                raise RuntimeError("too red")
            return super().encode(images)

    jobs = make_jobs(4)
    Image.fromarray(np.full((96, 96, 3), (255, 99, 99), np.uint8)).save(jobs[1].source)
    spec = make_spec(partial(opened, Picky()), batch_size=4, overwrite=True)
    statuses = [outcome.status for outcome in Worker(spec)(jobs)]
    assert statuses == ["done", "failed", "done", "done"]


def test_stopping_finishes_what_is_under_way(make_jobs, make_spec):
    jobs = make_jobs(20)
    seen = []
    for outcome in Worker(make_spec())(jobs, stop=lambda: len(seen) >= 3):
        seen.append(outcome)
    assert 3 <= len(seen) < 12
    there = {job.target for job in jobs if job.target.exists()}
    assert there == {job.target for job in jobs[: len(seen)]}
    assert not [p for p in jobs[0].target.parent.iterdir() if p.name.startswith(".facemod-")]


def test_stopping_ends_a_fit_between_two_steps(make_jobs, make_spec):
    asked = []
    spec = make_spec(partial(opened, FittingFake()), threads=0)
    spec = replace(spec, treatment=replace(spec.treatment, fidelity=Fidelity.ADAPT))

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 2  # the loop asks first, then every step

    (outcome,) = Worker(spec)(make_jobs(5), stop)
    assert (outcome.status, outcome.error["code"]) == ("failed", "stopped")
    assert "step 2 of 2" in outcome.error["message"]
    assert not (spec.log.folder / "000.png").exists()


def test_reading_and_writing_go_on_while_the_model_works(make_jobs, make_spec):
    """The model waits until later photos were looked at and earlier ones written."""
    jobs = make_jobs(6)
    looked = threading.Semaphore(0)

    class Looking(FakeDetector):
        def detect(self, rgb):
            looked.release()
            return super().detect(rgb)

    class Waiting(FakeModel):
        calls = 0

        def encode(self, images):
            self.calls += 1
            if self.calls == 1:
                assert all(looked.acquire(timeout=60) for _ in range(2))
            if self.calls == 4:
                ends = time.monotonic() + 60
                while not jobs[0].target.exists() and time.monotonic() < ends:
                    time.sleep(0.005)
                assert jobs[0].target.exists()
            return super().encode(images)

    worker = Worker(make_spec(lambda device: Editor(Waiting(), Looking()), threads=2))
    assert [outcome.status for outcome in worker(jobs)] == ["done"] * 6


def test_photos_in_memory_are_bounded_by_megapixels(make_jobs, make_spec, monkeypatch):
    monkeypatch.setattr(workers, "MEGAPIXELS_IN_FLIGHT", 0.02)  # room for two of our photos
    alive = most = 0
    lock = threading.Lock()

    class Counting(FakeDetector):
        def detect(self, rgb):
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)
            return super().detect(rgb)

    jobs = make_jobs(12)
    worker = Worker(make_spec(lambda device: Editor(FakeModel(), Counting()), threads=8))
    for _ in worker(jobs):
        alive -= 1
    assert most <= 3  # one outcome may be on its way to us


def test_a_photo_larger_than_the_bound_still_goes(make_jobs, make_spec, monkeypatch):
    monkeypatch.setattr(workers, "MEGAPIXELS_IN_FLIGHT", 1e-9)
    assert [o.status for o in Worker(make_spec())(make_jobs(3))] == ["done"] * 3


def test_a_worker_can_travel(make_jobs, make_spec):
    worker = Worker(make_spec(open_fake))
    worker.open()
    there = pickle.loads(pickle.dumps(worker))
    assert [o.status for o in there(make_jobs(2))] == ["done", "done"]


def test_jobs_may_come_from_anywhere_one_by_one(make_jobs, make_spec):
    jobs = make_jobs(3)
    outcomes = Worker(make_spec())(job for job in jobs)
    assert [outcome.status for outcome in outcomes] == ["done"] * 3
    assert list(Worker(make_spec())([])) == []


def test_a_photo_that_vanishes_between_plan_and_work(make_jobs, make_spec, tmp_path):
    (gone,) = Worker(make_spec())([Job(tmp_path / "gone.png", (tmp_path / "out/gone.png",))])
    assert gone.error["message"].endswith("no such file")
