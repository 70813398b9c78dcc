"""The worker: one model on one device, kept busy by threads that read ahead and write behind.

    photos ─ read, find faces, align ─┐                       ┌─ composite, encode, write ─ outcomes
             (threads, ahead)         └─ faces, in batches ─┘    (threads, behind)
                                         (this thread)

On a CPU several batches go through the model at the same time, each on few cores: small
networks gain little from many cores. Then each batch is written by the thread that edited it.

Everything keeps the order of the photos, so the same photos make the same batches. How far the
threads run ahead is bounded in photos and in megapixels, so memory does not grow with the folder.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from facemod.editing.editor import Editor
from facemod.errors import FacemodError, StoppedError
from facemod.imaging.opening import opened_image
from facemod.jobs.batching import FaceLoop
from facemod.jobs.journal import Journal
from facemod.jobs.outcome import Outcome
from facemod.jobs.plan import Job
from facemod.jobs.spec import Spec
from facemod.jobs.stages import Prepared, Stages
from facemod.models.base import Watch
from facemod.tensors.memory import keep_freed_memory

MEGAPIXELS_IN_FLIGHT = 100.0


def never() -> bool:
    """Run to the end."""
    return False


class Worker:
    """Does jobs as its spec says. Can be pickled; the model is loaded where it is first used.

    Calling it never raises for one bad photo: every job that was begun ends as an outcome.
    """

    def __init__(self, spec: Spec, editor: Editor | None = None) -> None:
        """``editor`` is used instead of opening one, as long as the worker stays where it is."""
        self.spec = spec
        self._editor = editor
        self._stages: Stages | None = None
        self._cores = 0

    def __getstate__(self) -> dict[str, Any]:
        return {"spec": self.spec, "_editor": None, "_stages": None, "_cores": 0}

    def open(self) -> Stages:
        """Load the model, unless it is loaded.

        Raises:
            ModelError, MissingExtraError: it cannot be.
        """
        if self._stages is None:
            keep_freed_memory()
            editor = self._editor or self.spec.open_editor(self.spec.device)
            journal = Journal(self.spec.log.part()) if self.spec.log else None
            self._stages = Stages(self.spec, editor, journal)
        return self._stages

    def __call__(self, jobs: Iterable[Job], stop: Callable[[], bool] = never) -> Iterator[Outcome]:
        """An outcome for each job, in order. After ``stop`` only what was begun is finished."""
        stages = self.open()
        threads = self.spec.threads
        loops = self._loops() if threads else 1
        with (
            ThreadPoolExecutor(threads, "facemod") if threads else InThisThread() as pool,
            ThreadPoolExecutor(loops, "facemod-model") if loops > 1 else InThisThread() as model,
        ):
            yield from Flight(stages, pool, model, iter(jobs), stop).run()

    def _loops(self) -> int:
        """How many batches go through the model at once; they share the cores."""
        import torch

        there = self._cores = self._cores or torch.get_num_threads()
        loops = max(1, min(self.spec.loops, there))
        torch.set_num_threads(there // loops)
        return loops


@dataclass(frozen=True)
class Halting:
    """A watch over fits that ends them between two steps when the run is to end."""

    stop: Callable[[], bool]
    then: Watch

    def __call__(self, step: int, steps: int) -> None:
        if self.stop():
            raise StoppedError(
                f"stopped at step {step} of {steps} of its fit; the same command begins it again"
            )
        self.then(step, steps)


class InThisThread(Executor):
    """Does everything at once, for debuggers and for machines with one core."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **named: Any) -> Future[Any]:
        return finished(work(*args, **named))


def finished(value: Any) -> Future[Any]:
    """A future that has come."""
    future: Future[Any] = Future()
    future.set_result(value)
    return future


def hand_on(to: Future[Any], done: Future[Any]) -> None:
    """Let one future come with the value of another that has come."""
    to.set_result(done.result())


@dataclass
class Passenger:
    """A photo on its way, and the room that it takes."""

    future: Future[Any]
    megapixels: float


class Flight:
    """The photos that are on their way through one call of a worker."""

    def __init__(
        self,
        stages: Stages,
        pool: Executor,
        model: Executor,
        jobs: Iterator[Job],
        stop: Callable[[], bool],
    ) -> None:
        self.stages, self.pool, self.jobs, self.stop = stages, pool, jobs, stop
        self.model = model
        # Threads that edit also write what they edited.
        self.writers = pool if isinstance(model, InThisThread) else InThisThread()
        spec = stages.spec
        editor = replace(stages.editor, watch=Halting(stop, stages.editor.watch))
        self.faces = FaceLoop(spec.treatment, editor, spec.batch_size)
        self.ahead: deque[Passenger] = deque()
        self.behind: deque[Passenger] = deque()
        self.most_ahead = spec.batch_size + spec.threads
        self.waiting = next(jobs, None)

    def run(self) -> Iterator[Outcome]:
        """The outcomes, in the order of the jobs."""
        try:
            while (self.waiting or self.ahead) and not self.stop():
                self._fill()
                if batch := self._next_batch():
                    self._send_behind(batch)
                yield from self._land(wait=not batch)
        except KeyboardInterrupt:
            yield from self._land(wait=True)
            raise
        finally:
            for passenger in self.ahead:
                passenger.future.cancel()
        yield from self._land(wait=True)

    def _fill(self) -> None:
        """Let threads read ahead as far as there is room."""
        while self.waiting and len(self.ahead) < self.most_ahead:
            megapixels = megapixels_of(self.waiting.source)
            flying = sum(p.megapixels for p in (*self.ahead, *self.behind))
            if flying and flying + megapixels > MEGAPIXELS_IN_FLIGHT:
                return
            future = self.pool.submit(self.stages.prepare, self.waiting)
            self.ahead.append(Passenger(future, megapixels))
            self.waiting = next(self.jobs, None)

    def _next_batch(self) -> list[Passenger]:
        """The next photos that together have faces enough for the model."""
        batch: list[Passenger] = []
        faces = 0
        while self.ahead and faces < self.faces.size:
            batch.append(self.ahead.popleft())
            ready = batch[-1].future.result()
            faces += len(ready.crops) if isinstance(ready, Prepared) else 0
        return batch

    def _send_behind(self, batch: Sequence[Passenger]) -> None:
        """Let the faces of some photos be edited, and the results be written."""
        photos: list[tuple[Prepared | Outcome, Future[Outcome]]] = [
            (passenger.future.result(), Future()) for passenger in batch
        ]
        for passenger, (_, outcome) in zip(batch, photos, strict=True):
            self.behind.append(Passenger(outcome, passenger.megapixels))
        self.model.submit(self._through, photos)

    def _through(self, photos: Sequence[tuple[Prepared | Outcome, Future[Outcome]]]) -> None:
        """Edit the faces of some photos and send them on; each future gets its outcome."""
        try:
            self._edit([ready for ready, _ in photos if isinstance(ready, Prepared)])
        except BaseException as problem:
            for _, outcome in photos:
                outcome.set_exception(problem)
            raise
        for ready, outcome in photos:
            if isinstance(ready, Prepared):
                writing = self.writers.submit(self.stages.finish, ready)
                writing.add_done_callback(partial(hand_on, outcome))
            else:
                outcome.set_result(ready)

    def _edit(self, photos: Sequence[Prepared]) -> None:
        """Give each photo its edited faces."""
        crops = [crop for ready in photos for crop in ready.crops]
        size, began = self.faces.size, time.perf_counter()
        results = iter(self.faces.run(crops))
        seconds = (time.perf_counter() - began) / max(1, len(crops))
        for ready in photos:
            if self.faces.size < size:
                ready.notes.append(f"memory ran out; batches of {self.faces.size} from here on")
            ready.seconds += seconds * len(ready.crops)
            ready.edited = list(islice(results, len(ready.crops)))

    def _land(self, *, wait: bool) -> Iterator[Outcome]:
        """Outcomes that are there, in order; with ``wait`` all of them."""
        while self.behind and (
            wait or self.behind[0].future.done() or len(self.behind) > self.most_ahead
        ):
            yield self.behind.popleft().future.result()


def megapixels_of(path: Path) -> float:
    """The size of a picture file by its header; 0 for what is none, which takes no room."""
    with suppress(FacemodError), opened_image(path, math.inf) as image:
        return image.width * image.height / 1e6
    return 0.0
