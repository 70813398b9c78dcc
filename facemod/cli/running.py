"""Running jobs from a command: progress, Ctrl-C, faces from several photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facemod import batch
from facemod.batch import FaceOutcome, Job, Outcome
from facemod.cli import render
from facemod.cli.options import Common
from facemod.cli.result import Result
from facemod.errors import FacemodError
from facemod.imaging.reading import open_photo

if TYPE_CHECKING:
    from facemod.faces.face import Face
    from facemod.imaging.photo import Photo
    from facemod.pipeline import EncodedFace, Editor


def plan_photos(photos: Sequence[Path], common: Common, suffix: str | None = None) -> list[Job]:
    """The jobs of a command that writes one result per photo."""
    return batch.plan(
        batch.find_inputs(photos, recursive=common.recursive),
        common.output,
        suffix=suffix,
        overwrite=common.overwrite,
        skip_existing=common.skip_existing,
    )


def perform(
    command: str,
    jobs: Sequence[Job],
    work: Callable[[Job], Outcome],
    common: Common,
    messages: tuple[str, ...] = (),
) -> Result:
    """Do the jobs one by one. Ctrl-C keeps what is done and says how to go on."""
    outcomes: list[Outcome] = []
    try:
        with render.progress(len(jobs), shown=not common.quiet) as bar:
            for outcome in batch.run(jobs, work, skip_existing=common.skip_existing):
                outcomes.append(outcome)
                bar.update(bar.task_ids[0], advance=1, description=Path(outcome.input).name)
    except KeyboardInterrupt:
        left = len(jobs) - len(outcomes)
        advice = f"interrupted with {left} to do; add --skip-existing to go on where it stopped"
        return Result(command, tuple(outcomes), messages=(*messages, advice), interrupted=True)
    return Result(command, tuple(outcomes), messages=messages)


def done(job: Job, faces: Sequence[FaceOutcome], notes: Sequence[str] = ()) -> Outcome:
    """The outcome of a job that wrote its target."""
    return Outcome(str(job.source), str(job.target), "done", faces=tuple(faces), notes=tuple(notes))


def face_outcome(face: Face, scores: dict[str, float]) -> FaceOutcome:
    """What is reported about one face."""
    return FaceOutcome(
        index=face.index,
        box=tuple(round(v, 1) for v in face.box),
        landmarks=[[round(v, 1) for v in point] for point in face.landmarks.tolist()],
        scores={name: round(score, 4) for name, score in scores.items()},
    )


def encode_photos(
    editor: Editor, paths: Sequence[Path], common: Common, faces: str
) -> tuple[list[tuple[Photo, list[EncodedFace]]], list[Outcome]]:
    """Open and encode photos that only make sense together.

    Returns what could be encoded and, when any photo failed, the outcome of every photo
    (``skipped`` for those that had nothing wrong with them).
    """
    encoded, outcomes = [], []
    with render.progress(len(paths), shown=not common.quiet) as bar:
        for path in paths:
            bar.update(bar.task_ids[0], advance=1, description=f"encoding {path.name}")
            try:
                photo = open_photo(path, max_megapixels=common.max_megapixels)
                chosen = editor.faces(photo, faces)
                encoded.append((photo, [editor.encode(photo, face) for face in chosen]))
                outcomes.append(Outcome(str(path), None, "skipped"))
            except FacemodError as error:
                outcomes.append(batch.failed(path, error))
    return encoded, outcomes if len(encoded) < len(paths) else []
