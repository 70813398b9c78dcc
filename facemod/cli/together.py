"""Commands that make one result of several photos, or something of no photo at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facemod.cli import render
from facemod.cli.options import Common, Reading
from facemod.cli.result import Result
from facemod.cli.signals import code_of
from facemod.editing.results import ResultKind
from facemod.jobs import plan
from facemod.jobs.inputs import WRITABLE_SUFFIXES, Found, find_inputs, require_all
from facemod.jobs.outcome import FaceOutcome, Outcome, attempt, attempt_all, left_aside
from facemod.jobs.plan import Job

if TYPE_CHECKING:
    from facemod.editing.editor import Editor, EncodedFace
    from facemod.fidelity.ladder import Fidelity
    from facemod.imaging.photo import Photo


def all_photos(photos: Sequence[Path], common: Common) -> Found:
    """The photos of a command that makes one result of all of them, in the order given."""
    return find_inputs(
        photos,
        recursive=common.recursive,
        output=common.output,
        take_results=common.take_results,
    )


def plan_together(
    photos: Sequence[Path], common: Common, name: str, suffixes: Collection[str]
) -> Path:
    """Where the one result of several photos goes, all of which must be there; ``name`` is for a
    folder."""
    require_all(photos)
    return plan.plan_one(
        photos,
        common.output,
        name,
        suffixes,
        overwrite=common.overwrite,
        skip_existing=common.skip_existing,
    )


def target_for(photos: Sequence[Path], kind: ResultKind, common: Common) -> Path:
    """Where the result goes: by default it is called as the first photo is."""
    name = plan.result_name(Path(photos[0].name), kind.suffix)
    return plan_together(photos, common, str(name), WRITABLE_SUFFIXES)


def already_there(
    command: str, photos: Sequence[Path], target: Path, common: Common
) -> Result | None:
    """With ``--skip-existing``, the result of a command whose one target exists."""
    if not (common.skip_existing and target.exists()):
        return None
    return Result(command, tuple(Outcome(str(p), str(target), "skipped") for p in photos))


def read(path: Path, common: Reading) -> Photo:
    """Open a photo as the options ask."""
    from facemod.imaging.reading import open_photo

    return open_photo(path, max_megapixels=common.max_megapixels)


def run_each(
    command: str,
    jobs: Sequence[Job],
    work: Callable[[Job], Outcome],
    common: Common,
    messages: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Result:
    """Do the jobs one by one. Ctrl-C keeps what is done and says how to go on."""
    outcomes: list[Outcome] = []
    interrupted = None
    try:
        with render.progress(len(jobs), shown=not common.quiet) as bar:
            for outcome in attempt_all(jobs, work, skip_existing=common.skip_existing):
                outcomes.append(outcome)
                bar.update(bar.task_ids[0], advance=1, description=Path(outcome.input).name)
    except KeyboardInterrupt as stop:
        interrupted = code_of(stop)
        left = len(jobs) - len(outcomes)
        instead = " instead of --overwrite" if common.overwrite else ""
        advice = f"interrupted with {left} to do; --skip-existing{instead} goes on from here"
        warnings = (*warnings, advice)
    return Result(
        command, tuple(outcomes), messages=messages, warnings=warnings, interrupted=interrupted
    )


def done(job: Job, faces: Sequence[FaceOutcome], notes: Sequence[str] = ()) -> Outcome:
    """The outcome of a job that wrote its target."""
    return Outcome(str(job.source), str(job.target), "done", faces=tuple(faces), notes=tuple(notes))


@dataclass(frozen=True)
class EncodedPhoto:
    """One of several photos whose faces only make sense together."""

    path: Path
    faces: list[EncodedFace]
    seconds: float = 0.0

    def done(self, target: Path, scores: Sequence[dict[str, float]] = ()) -> Outcome:
        """The outcome of this photo in the result of all, with ``scores`` of each face if known."""
        each = scores or [{}] * len(self.faces)
        found = zip(self.faces, each, strict=True)
        faces = tuple(FaceOutcome.of(face.crop.face, facts) for face, facts in found)
        seconds = self.seconds
        return Outcome(str(self.path), str(target), "done", faces=faces, seconds=seconds, gave=True)


def encode_photos(
    editor: Editor,
    paths: Sequence[Path],
    common: Reading,
    choices: Sequence[str],
    fidelity: Fidelity | None = None,
) -> tuple[list[EncodedPhoto], tuple[Outcome, ...]]:
    """Encode the chosen faces of photos that only make sense together.

    ``choices`` holds a value of ``--faces`` for each photo. Returns the encoded photos and, when
    any photo failed, the outcome of every one. The photos themselves are not kept: there may be
    many, and each may be large.
    """
    from facemod.fidelity.ladder import Fidelity

    encoded: list[EncodedPhoto] = []

    def encode(path: Path, which: str) -> Outcome:
        photo = read(path, common)
        crops = editor.cut_out(photo, which)
        # One by one: every face comes out the same, whatever is around it.
        faces = [editor.encode([crop], fidelity or Fidelity.TRANSFER)[0] for crop in crops]
        encoded.append(EncodedPhoto(path, faces))
        return left_aside(path)

    outcomes = []
    with render.progress(len(paths), shown=not common.quiet) as bar:
        for path, which in zip(paths, choices, strict=True):
            bar.update(bar.task_ids[0], description=f"encoding {path.name}")
            outcomes.append(attempt(path, partial(encode, path, which)))
            bar.update(bar.task_ids[0], advance=1)
    if len(encoded) < len(paths):
        return [], tuple(outcomes)
    timed = zip(encoded, outcomes, strict=True)
    return [replace(photo, seconds=outcome.seconds) for photo, outcome in timed], ()
