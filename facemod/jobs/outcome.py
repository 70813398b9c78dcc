"""Outcomes: doing the jobs of a plan, and what became of each.

Running never raises for one bad photo. Nothing here touches a tensor.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from facemod.errors import ExitCode, FacemodError, NoFaceError, explained

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from facemod.faces.face import Face
    from facemod.jobs.plan import Job

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True)
class FaceOutcome:
    """What was found and measured on one face."""

    index: int
    box: tuple[float, ...]
    landmarks: list[list[float]]
    scores: dict[str, float]

    @classmethod
    def of(cls, face: Face, scores: dict[str, float]) -> FaceOutcome:
        """What is reported about a face."""
        return cls(
            index=face.index,
            box=tuple(round(float(v), 1) for v in face.box),
            landmarks=[[round(v, 1) for v in point] for point in face.landmarks.tolist()],
            scores={name: round(score, 4) for name, score in scores.items()},
        )


@dataclass(frozen=True)
class Outcome:
    """What became of one input. ``status`` is done, skipped, no-face or failed.

    Skipped with an output: the result was there already. Skipped without one: the photo was
    good, but of no use because another one failed (:func:`left_aside`).
    """

    input: str
    output: str | None
    status: str
    error: dict[str, str] | None = None
    faces: tuple[FaceOutcome, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    """Words for people, not part of the record."""
    exit_code: ExitCode = ExitCode.OK
    lenient: bool = False
    """Whether its error counts only where nothing else became of the command's photos."""
    gave: bool = False
    """Whether it was used for the results of other photos, or for one of all."""

    def as_json(self) -> dict[str, Any]:
        """The record that ``--json`` prints: part of the contract."""
        hidden = ("notes", "exit_code", "lenient", "gave")
        return {name: value for name, value in asdict(self).items() if name not in hidden}


def failed(source: Path | str, error: FacemodError, seconds: float = 0.0) -> Outcome:
    """The outcome of an input that ended in an error."""
    return Outcome(
        input=str(source),
        output=None,
        status="no-face" if isinstance(error, NoFaceError) else "failed",
        error={"code": error.code, "message": str(error)},
        seconds=round(seconds, 3),
        exit_code=error.exit_code,
    )


def left_aside(source: Path) -> Outcome:
    """The outcome of a good photo whose result needs another photo that failed."""
    return Outcome(str(source), None, "skipped", notes=("good, but another photo failed",))


def attempt_all(
    jobs: Iterable[Job], work: Callable[[Job], Outcome], *, skip_existing: bool = False
) -> Iterator[Outcome]:
    """Do the jobs in order; every job yields one outcome, whatever happens to it."""
    for job in jobs:
        if skip_existing and all(os.path.lexists(target) for target in job.targets):
            yield Outcome(str(job.source), str(job.target), "skipped")
        else:
            yield attempt(job.source, partial(work, job))


def attempt(source: Path, work: Callable[[], T], spent: float = 0.0) -> T | Outcome:
    """Run ``work``, which makes an outcome or a step toward one, and write down its seconds.

    Both are dataclasses with a field ``seconds``. Every failure becomes the photo's outcome.
    ``spent`` seconds went before.
    """
    began = time.perf_counter()
    try:
        made = work()
    except Exception as problem:  # one photo must never end a batch, whatever it does to us
        return failed(source, explained(problem), spent + time.perf_counter() - began)
    return replace(made, seconds=round(spent + time.perf_counter() - began, 3))


def exit_code(outcomes: Iterable[Outcome]) -> ExitCode:
    """How a command ends: OK, the one reason why everything failed, or SOME_FAILED.

    Photos that were left aside do not count, and lenient failures only if there is nothing else.
    """
    counted = [outcome for outcome in outcomes if outcome.output or outcome.error]
    codes = {outcome.exit_code for outcome in counted if not outcome.lenient}
    codes = codes or {outcome.exit_code for outcome in counted}
    if not codes:
        return ExitCode.OK
    return codes.pop() if len(codes) == 1 else ExitCode.SOME_FAILED
