"""Running a planned batch: outcomes are shown and written down as they come."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from facemod import __version__
from facemod.cli import render
from facemod.cli.batch import Batch
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_warning
from facemod.cli.signals import Terminated, code_of
from facemod.errors import ExitCode, OutputError, StoppedError
from facemod.jobs.journal import Journal, others_are_at_it
from facemod.jobs.outcome import Outcome

if TYPE_CHECKING:
    from facemod.editing.editor import Editor
    from facemod.editing.looks import Look
    from facemod.editing.treatments import Treatment
    from facemod.jobs.spec import Spec

Also = Callable[[Sequence[Outcome]], Sequence[Outcome]]
GPU_BATCH = 8
MOST_THREADS = 8
MOST_LOOPS = 4
"""Batches in the model at once on a CPU: each needs about half a gigabyte."""


class Stopper:
    """Whether somebody wants the run to end: by Ctrl-C, by SIGTERM, or at the first failure."""

    def __init__(self) -> None:
        self.asked = False
        self.interrupted: ExitCode | None = None
        self.say: Callable[[str], None] = lambda words: None
        """What shows people a few words on what is going on."""

    def __call__(self) -> bool:
        return self.asked

    @contextmanager
    def listening(self) -> Iterator[Stopper]:
        """Take the first Ctrl-C or SIGTERM as a wish; the second one unwinds the program."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._hear) for number in numbers]
        try:
            yield self
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _hear(self, number: int, frame: object) -> None:
        stop = Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
        if self.interrupted is not None:
            raise stop
        self.asked, self.interrupted = True, code_of(stop)
        again = "another SIGTERM" if number == signal.SIGTERM else "Ctrl-C again"
        render.say(f"finishing what is under way; {again} leaves it")


class FitProgress:
    """Says how far fits to photos are; a watch for editors, of any number of threads."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.began: dict[int, float] = {}

    def __call__(self, step: int, steps: int) -> None:
        thread, now = threading.get_ident(), time.monotonic()
        if step == 1:
            self.began[thread] = now
            return
        left = (now - self.began[thread]) / (step - 1) * (steps - step)
        self.say(f"fitting, step {step} of at most {steps}, {left:.0f} s left")


def run_batch(
    batch: Batch,
    treatment: Treatment,
    editor: Editor,
    faces: str,
    messages: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
    also: Also | None = None,
) -> Result:
    """Run the plan. Outcomes are shown and written down as they come.

    ``also`` makes of these outcomes those of photos that have no results of their own.
    """
    from facemod.tensors.devices import find_devices

    if batch.log and others_are_at_it(batch.log):
        # Two runs of the same command meet in the middle: each finds what the other made.
        batch = replace(batch, jobs=batch.jobs[::-1])
    devices = find_devices(batch.common.device)
    spec = spec_for(batch, treatment, editor, faces, devices)

    def outcomes(stopper: Stopper) -> Iterator[Outcome]:
        planned = []
        watched = replace(editor, watch=FitProgress(lambda words: stopper.say(words)))
        for outcome in outcomes_of(batch, spec, watched, devices, stopper):
            planned.append(outcome)
            yield outcome
        yield from also(planned) if also else ()

    return report_all(batch, outcomes, messages, warnings)


def run_look(
    batch: Batch,
    session: Session[Any],
    look: Look,
    treatment: Treatment,
    photos: int,
    *,
    warnings: tuple[str, ...] = (),
    also: Also | None = None,
) -> Result:
    """Run the plan of ``edit`` or ``mix``: give the faces of each photo the treatment.

    ``photos`` is what the rung of fidelity goes by; for ``also`` see :func:`run_batch`.
    """
    warnings = (*warnings, *mark_warning(batch.common))
    words = session.messages(photos)
    return run_batch(batch, treatment, session.editor, look.faces, words, warnings, also)


def report_all(
    batch: Batch,
    outcomes_until: Callable[[Stopper], Iterable[Outcome]],
    messages: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Result:
    """Show outcomes and write them down as they come, until somebody stops them."""
    journal = Journal(batch.log) if batch.log else None
    outcomes: list[Outcome] = []
    lost: list[str] = []
    stopper = Stopper()
    try:
        with (
            stopper.listening(),
            render.progress(len(batch.jobs), shown=not batch.common.quiet) as bar,
        ):
            stopper.say = lambda words: bar.update(bar.task_ids[0], description=words)
            begin(journal, batch)
            for outcome in outcomes_until(stopper):
                outcomes.append(outcome if batch.common.json else replace(outcome, faces=()))
                lost += write_down(journal, outcome)
                bar.update(bar.task_ids[0], advance=1, description=Path(outcome.input).name)
                report(outcome, batch, bar.console)
                stopper.asked |= (
                    batch.many.fail_fast and bool(outcome.error) and not outcome.lenient
                )
    except KeyboardInterrupt as stop:
        stopper.interrupted = code_of(stop)
    finally:
        if journal:
            journal.close()
    return Result(
        batch.command,
        tuple(outcomes),
        data=dict(Counter(o.status for o in outcomes)) if batch.many.jsonl else None,
        messages=(*batch.words, *messages, *closing(batch, outcomes)),
        warnings=(*warnings, *left_to_do(batch, outcomes, stopper), *lost[:1]),
        interrupted=stopper.interrupted,
        shown=True,
        streamed=batch.many.jsonl,
    )


def spec_for(
    batch: Batch, treatment: Treatment, editor: Editor, faces: str, devices: Sequence[str]
) -> Spec:
    """What the workers need to know."""
    from facemod.editing.editor import open_editor
    from facemod.jobs.spec import Spec
    from facemod.tensors.devices import cores

    common, many = batch.common, batch.many
    # On a CPU, faces one by one are fastest, and come out the same whatever is around them.
    on_cpu = devices[0] == "cpu"
    batch_size = GPU_BATCH if devices[0].startswith("cuda") else 1
    return Spec(
        treatment,
        partial(
            open_editor,
            model=common.model,
            aligner=common.aligner,
            noise=common.noise,
            size=editor.size,
        ),
        device=devices[0],
        faces=faces,
        max_megapixels=common.max_megapixels,
        overwrite=common.overwrite,
        skip_existing=common.skip_existing,
        on_no_face=many.on_no_face,
        batch_size=many.batch_size or batch_size,
        threads=min(MOST_THREADS, cores()) if many.jobs is None else many.jobs,
        loops=min(MOST_LOOPS, len(batch.jobs)) if on_cpu else 1,
        log=batch.log,
    )


def outcomes_of(
    batch: Batch, spec: Spec, editor: Editor, devices: Sequence[str], stopper: Stopper
) -> Iterator[Outcome]:
    """Run the jobs where the options say."""
    from facemod.jobs import cluster, processes
    from facemod.jobs.worker import Worker

    if batch.many.engine == "ray":
        return cluster.run(spec, batch.jobs, stopper)
    return processes.run(Worker(spec, editor), batch.jobs, devices, stopper)


def begin(journal: Journal | None, batch: Batch) -> None:
    """Write down what is to be done. Raises OutputError while nothing is lost yet."""
    if journal is None:
        return
    about = {"command": batch.command, "facemod": __version__, "settings": journal.log.settings}
    journal.write("run", about | {"photos": len(batch.jobs)})
    for job in batch.jobs:
        targets = [str(target) for target in job.targets]
        facts = {"input": str(job.source), "place": str(job.place), "outputs": targets}
        journal.write("planned", facts)


def write_down(journal: Journal | None, outcome: Outcome) -> list[str]:
    """Write an outcome down; what to say when that fails, which must not end the run."""
    try:
        if journal is not None:
            journal.write("outcome", outcome.as_json())
    except OutputError as problem:
        return [f"{problem}; it lacks the end of this run"]
    return []


def report(outcome: Outcome, batch: Batch, console: Console) -> None:
    """Show an outcome to people and, if they asked for it, to machines."""
    if batch.many.jsonl:
        render.print_outcome(outcome)
    render.show(outcome, console, quiet=batch.common.quiet)


def closing(batch: Batch, outcomes: Sequence[Outcome]) -> list[str]:
    """Where the log is, and what it is good for."""
    if batch.log is None:
        return []
    failures = sum(outcome.error is not None for outcome in outcomes)
    again = f"; --retry-failed tries the {failures} without a result again" if failures else ""
    return [f"log: {batch.log.path}{again}"]


def was_stopped(outcome: Outcome) -> bool:
    """Whether the photo was begun and left when the run was stopped."""
    return outcome.error is not None and outcome.error["code"] == StoppedError.code


def left_to_do(batch: Batch, outcomes: Sequence[Outcome], stopper: Stopper) -> list[str]:
    """Words on photos that were not begun, and on how to go on."""
    ended = {outcome.input for outcome in outcomes if not was_stopped(outcome)}
    left = len({str(job.source) for job in batch.jobs} - ended)
    if stopper.interrupted is not None:
        terminated = stopper.interrupted is ExitCode.TERMINATED
        how = "stopped by SIGTERM" if terminated else "interrupted"
        return [f"{how} with {left} to do; the same command goes on from here"]
    if left and batch.many.fail_fast:
        return [f"stopped at the first failure with {left} to do"]
    return []
