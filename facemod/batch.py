"""Jobs and outcomes: what is to be done with each file, and what became of it.

The plan maps every input to its output before any work starts; running never raises for one
bad photo. Nothing here touches a tensor.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from facemod.errors import (
    ExitCode,
    FacemodError,
    InputError,
    NoFaceError,
    OutputExistsError,
    UsageError,
)
from facemod.imaging.writing import FORMATS, output_suffix

# What counts as a photo when a folder is given; a file that is named is tried whatever it is.
READABLE_SUFFIXES = {
    *FORMATS, ".heic", ".heif", ".avif", ".gif", ".bmp",
}  # fmt: skip


@dataclass(frozen=True)
class Job:
    """One photo and where its result goes."""

    source: Path
    target: Path


@dataclass(frozen=True)
class FaceOutcome:
    """What was found and measured on one face."""

    index: int
    box: tuple[float, float, float, float]
    landmarks: list[list[float]]
    scores: dict[str, float]


@dataclass(frozen=True)
class Outcome:
    """What became of one input. ``status`` is done, skipped, no-face or failed."""

    input: str
    output: str | None
    status: str
    error: dict[str, str] | None = None
    faces: tuple[FaceOutcome, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=(), metadata={"json": False})
    exit_code: ExitCode = field(default=ExitCode.OK, metadata={"json": False})

    def as_json(self) -> dict[str, Any]:
        """The record that ``--json`` prints: part of the contract."""
        hidden = ("notes", "exit_code")
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


def find_inputs(paths: Sequence[Path], *, recursive: bool = False) -> list[tuple[Path, Path]]:
    """Every photo that was asked for, with its place below the folder it was found in.

    A folder stands for the photos in it (by suffix, sorted); a file that was named stands for
    itself whatever it is, and fails later, alone, if it is no photo.

    Raises:
        InputError: nothing was found at all.
    """
    found: list[tuple[Path, Path]] = []
    for path in paths:
        if path.is_dir() and path.suffix.lower() not in READABLE_SUFFIXES:
            pattern = path.rglob("*") if recursive else path.glob("*")
            photos = (p for p in pattern if p.suffix.lower() in READABLE_SUFFIXES)
            found += [(photo, photo.relative_to(path)) for photo in sorted(photos)]
        else:
            found.append((path, Path(path.name)))
    if not found:
        listing = ", ".join(str(path) for path in paths)
        raise InputError(f"no photos in {listing} (use -r to look into sub-folders)")
    return found


def plan(
    inputs: Sequence[tuple[Path, Path]],
    output: Path,
    *,
    suffix: str | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> list[Job]:
    """Give every input its output, refusing trouble before any work is done.

    ``output`` is a folder, or the file itself when there is one input and the name has a photo's
    suffix. ``suffix`` replaces the end of the input's name (``.png``, ``.compare.png``).

    Raises:
        UsageError: two inputs would be written to the same place, or one over an input.
        OutputExistsError: a target exists, and neither overwriting nor skipping was asked for.
    """
    single = len(inputs) == 1 and output.suffix.lower() in FORMATS
    jobs = [
        Job(source, output if single else output / output_name(relative, suffix))
        for source, relative in inputs
    ]
    refuse_collisions(jobs)
    if not (overwrite or skip_existing):
        refuse_existing([job.target for job in jobs])
    return jobs


def output_name(relative: Path, suffix: str | None) -> Path:
    """The name of a result: the input's own, in a format that can be written."""
    if suffix is not None:
        return relative.with_name(relative.stem + suffix)
    return relative.with_suffix(output_suffix(relative))


def refuse_collisions(jobs: Sequence[Job]) -> None:
    """Raise UsageError when two jobs share a target or a target is some job's input."""
    sources = {job.source.resolve() for job in jobs}
    owners: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target in sources:
            raise UsageError(
                f"{job.target} is an input: photos are never edited in place; "
                "choose another -o/--output"
            )
        if target in owners:
            raise UsageError(
                f"{owners[target]} and {job.source} would both be written to {job.target}; "
                "give their folder instead of single files, or run them apart"
            )
        owners[target] = job.source


def refuse_existing(targets: Sequence[Path]) -> None:
    """Raise OutputExistsError when any of ``targets`` is there already."""
    existing = [target for target in targets if target.exists()]
    if existing:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise OutputExistsError(
            f"{existing[0]}{more} exists already; nothing was done. "
            "Use --overwrite to replace, --skip-existing to keep, or another -o/--output"
        )


def run(
    jobs: Sequence[Job], work: Callable[[Job], Outcome], *, skip_existing: bool = False
) -> Iterator[Outcome]:
    """Do the jobs in order; every job yields one outcome, whatever happens to it."""
    for job in jobs:
        if skip_existing and job.target.exists():
            yield Outcome(str(job.source), str(job.target), "skipped")
        else:
            yield attempt(job.source, lambda job=job: work(job))


def attempt(source: Path, work: Callable[[], Outcome]) -> Outcome:
    """Run ``work``, time it, and turn every failure that is not a bug into an outcome."""
    began = time.perf_counter()
    try:
        outcome = work()
    except FacemodError as error:
        return failed(source, error, time.perf_counter() - began)
    except MemoryError:
        error = InputError(f"{source}: not enough memory for this photo")
        return failed(source, error, time.perf_counter() - began)
    return replace(outcome, seconds=round(time.perf_counter() - began, 3))


def exit_code(outcomes: Sequence[Outcome]) -> ExitCode:
    """How a command ends: OK, the one reason why everything failed, or SOME_FAILED."""
    codes = {outcome.exit_code for outcome in outcomes}
    return codes.pop() if len(codes) == 1 else ExitCode.SOME_FAILED
