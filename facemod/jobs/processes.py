"""Running jobs in this machine: one worker here, or one in a process for each device.

A process that dies, killed by the system for memory for example, takes nothing with it: the
photos it had begun go to another one. A photo that was there at two deaths is given up.
"""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Event

from facemod.errors import FacemodError, explained
from facemod.jobs.outcome import Outcome, failed
from facemod.jobs.plan import Job
from facemod.jobs.spec import Spec
from facemod.jobs.worker import Worker, never
from facemod.tensors.devices import cores

DEATHS_ALLOWED = 2
PATIENCE = 0.2
"""Seconds between looks at whether to stop."""
PATIENCE_AT_END = 10.0
READY = "ready"
DIED_TWICE = (
    "the worker process died twice on this photo, perhaps for lack of memory; try it alone with "
    "--jobs 1 --batch-size 1"
)


class WorkerDiedError(FacemodError):
    """A worker process ended before its photo was done."""

    code = "worker-died"


def run(
    worker: Worker, jobs: Iterable[Job], devices: Sequence[str], stop: Callable[[], bool] = never
) -> Iterator[Outcome]:
    """An outcome for each job; in order when there is one device.

    Raises:
        FacemodError: no worker can be opened, for example because the model is missing.
    """
    if len(devices) == 1:
        yield from worker(jobs, stop)
    else:
        with Crew(worker.spec, devices, iter(jobs)) as crew:
            yield from crew.run(stop)


@dataclass(eq=False)
class Member:
    """A worker process, and the jobs that it has not answered yet."""

    device: str
    process: BaseProcess
    pipe: Connection
    jobs: dict[str, Job] = field(default_factory=dict)
    ready: bool = False
    flushed: bool = True
    """Whether it knows that nothing follows for now, and finishes all it has."""


class Crew:
    """Worker processes that take jobs from one queue."""

    def __init__(self, spec: Spec, devices: Sequence[str], jobs: Iterator[Job]) -> None:
        self.spec, self.jobs = spec, jobs
        self.suspects: deque[Job] = deque()
        """Jobs that were there when a worker died. They go to a worker one at a time."""
        self.deaths: Counter[str] = Counter()
        # More than a worker ever has under way, so that it seldom waits for the next job.
        self.credit = 2 * (spec.batch_size + spec.threads) + 2
        self.stopping = get_context("spawn").Event()
        self.threads = max(1, cores() // len(devices))
        self.members = [self._hire(device) for device in devices]

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stopping.set()
        for member in self.members:
            member.pipe.close()
        for member in self.members:
            member.process.join(timeout=PATIENCE_AT_END)
            member.process.kill()

    def run(self, stop: Callable[[], bool]) -> Iterator[Outcome]:
        """Outcomes as they come."""
        while self.members:
            if stop():
                self.stopping.set()
            for member in list(self.members):
                self._supply(member)
            by_pipe = {member.pipe: member for member in self.members}
            for pipe in wait(list(by_pipe), timeout=PATIENCE):
                yield from self._listen(by_pipe[pipe])  # type: ignore[index]

    def _hire(self, device: str) -> Member:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        spec = replace(self.spec, device=device)
        process = context.Process(
            target=serve, args=(spec, theirs, self.stopping, self.threads), daemon=True
        )
        process.start()
        theirs.close()
        return Member(device, process, ours)

    def _supply(self, member: Member) -> None:
        """Hand out jobs up to the credit; a member without any may go when there are no more."""
        if not member.ready:
            return
        with suppress(OSError):  # it died; its pipe will say so
            alone = any(source in self.deaths for source in member.jobs)
            while not (alone or self.stopping.is_set()) and len(member.jobs) < self.credit:
                alone = bool(self.suspects) and not member.jobs
                job = self.suspects.popleft() if alone else next(self.jobs, None)
                if job is None:
                    break
                member.jobs[str(job.source)] = job
                member.flushed = False
                member.pipe.send(job)
            enough = len(member.jobs) == self.credit and not self.stopping.is_set()
            if not member.flushed and (alone or not enough):
                member.flushed = True
                member.pipe.send(None)
        if not member.jobs and (self.stopping.is_set() or not self._any_elsewhere(member)):
            self._dismiss(member)

    def _any_elsewhere(self, member: Member) -> bool:
        """Whether a death may still bring this idle member work."""
        return bool(self.suspects) or any(other.jobs for other in self.members)

    def _dismiss(self, member: Member) -> None:
        self.members.remove(member)
        member.pipe.close()
        member.process.join(timeout=PATIENCE_AT_END)

    def _listen(self, member: Member) -> Iterator[Outcome]:
        """What a member says: that it is ready, an outcome, why it cannot work, or nothing."""
        try:
            message = member.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(member)
            return
        if isinstance(message, FacemodError):
            raise message
        if message == READY:
            member.ready = True
        else:
            del member.jobs[message.input]
            yield message

    def _bury(self, member: Member) -> Iterator[Outcome]:
        """A member died. Its jobs are suspects now; one that was alone with it is guilty."""
        self._dismiss(member)
        if self.stopping.is_set():
            return
        if not member.ready:
            raise WorkerDiedError(
                f"the worker for {member.device} died while it started "
                f"(exit code {member.process.exitcode})"
            )
        for source, job in member.jobs.items():
            self.deaths[source] += 1
            if self.deaths[source] < DEATHS_ALLOWED:
                self.suspects.append(job)
            else:
                yield failed(source, WorkerDiedError(f"{source}: {DIED_TWICE}"))
        self.members.append(self._hire(member.device))


def serve(spec: Spec, pipe: Connection, stopping: Event, threads: int) -> None:
    """A worker process: jobs come through the pipe, outcomes go back. None ends a series."""
    # Ctrl-C reaches the whole process group; the parent decides what it means.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    limit_threads(threads)
    worker = Worker(spec)
    with suppress(EOFError, BrokenPipeError):
        try:
            worker.open()
        except Exception as problem:  # the parent has to hear of it, whatever it is
            pipe.send(explained(problem))
            return
        pipe.send(READY)
        while not stopping.is_set():
            series = iter(pipe.recv, None)
            for outcome in worker(series, stopping.is_set):
                pipe.send(outcome)


def limit_threads(count: int) -> None:
    """Share the cores among workers."""
    import torch

    torch.set_num_threads(count)
