"""What happens to one photo before and after the model: read, find faces, align; write.

These stages run in threads around the one loop that feeds the model.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from facemod.editing.corridor import EditedFace
from facemod.editing.editor import Editor
from facemod.errors import FacemodError, NoFaceError, OutputExistsError
from facemod.faces.face import Crop
from facemod.files.atomic import write_bytes
from facemod.files.digests import digest
from facemod.imaging.marking import mark_in
from facemod.imaging.opening import read_file
from facemod.imaging.photo import Photo
from facemod.imaging.reading import open_photo
from facemod.imaging.writing import photo_file
from facemod.jobs.journal import History, Journal, Made
from facemod.jobs.outcome import FaceOutcome, Outcome, attempt, failed
from facemod.jobs.plan import Job
from facemod.jobs.spec import Spec


@dataclass
class Prepared:
    """A photo whose faces wait for the model."""

    job: Job
    photo: Photo
    source: str
    """The digest of the photo's file."""
    crops: list[Crop]
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    edited: list[EditedFace | FacemodError] = field(default_factory=list)
    """What the model made of each crop, once it did."""

    def faces(self) -> list[EditedFace]:
        """The edited faces; raises FacemodError if one of them could not be."""
        for face in self.edited:
            if isinstance(face, FacemodError):
                raise face
        return [face for face in self.edited if isinstance(face, EditedFace)]


@dataclass(frozen=True)
class Stages:
    """The stages, with all they need."""

    spec: Spec
    editor: Editor
    journal: Journal | None

    def prepare(self, job: Job) -> Prepared | Outcome:
        """Read a photo and cut its faces out. Anything that ends the photo is its outcome."""
        return attempt(job.source, lambda: self._prepare(job))

    def finish(self, prepared: Prepared) -> Outcome:
        """Put the edited faces back and write the results."""
        return attempt(prepared.job.source, lambda: self._finish(prepared), prepared.seconds)

    def _finish(self, prepared: Prepared) -> Outcome:
        job, photo, faces = prepared.job, prepared.photo, prepared.faces()
        files, notes = self.spec.treatment.files(photo, faces, job.targets)
        written = self._write(job, files, prepared.source)
        if not written:
            note = "another run made the same result meanwhile"
            return Outcome(str(job.source), str(job.target), "skipped", notes=(note,))
        return Outcome(
            str(job.source),
            str(job.target),
            "done",
            faces=tuple(FaceOutcome.of(face.crop.face, face.scores) for face in faces),
            notes=(*photo.source.notes, *prepared.notes, *notes_on(faces), *notes),
        )

    def _prepare(self, job: Job) -> Prepared | Outcome:
        spec = self.spec
        if spec.skip_existing and all(os.path.lexists(target) for target in job.targets):
            return Outcome(str(job.source), str(job.target), "skipped")
        job = self._informed(job)
        # The bytes that are hashed are the bytes that are decoded, even if the file changes.
        data = read_file(job.source)
        source = digest(data)
        if is_unchanged(job, source):
            note = "unchanged since it was made"
            return Outcome(str(job.source), str(job.target), "skipped", notes=(note,))
        photo = open_photo(job.source, max_megapixels=spec.max_megapixels, data=data)
        try:
            crops = self.editor.cut_out(photo, spec.faces)
        except NoFaceError as problem:
            return self._without_face(job, photo, data, problem)
        return Prepared(job, photo, source, crops)

    def _informed(self, job: Job) -> Job:
        """A job that a worker began before it died, with what that one made of it."""
        log = self.spec.log
        known = any(job.made) or self.spec.overwrite or self.spec.skip_existing
        if log is None or known or not any(os.path.lexists(target) for target in job.targets):
            return job
        made = History.of(log, clean=False).with_settings(log.settings)
        return replace(job, made=tuple(made.get(t.absolute(), ()) for t in job.targets))

    def _without_face(self, job: Job, photo: Photo, data: bytes, problem: NoFaceError) -> Outcome:
        if self.spec.on_no_face == "fail":
            raise problem
        if self.spec.on_no_face == "report":
            return replace(failed(job.source, problem), lenient=True)
        outcome = Outcome(str(job.source), None, "no-face", notes=(str(problem),))
        if self.spec.on_no_face == "skip":
            return outcome
        source = digest(data)
        if job.source.suffix != job.target.suffix:
            data, _ = photo_file(photo, job.target, mark=mark_in(photo.source.xmp))
        self._write(job, [data], source)
        return replace(outcome, output=str(job.target), notes=(f"{problem}; copied as it is",))

    def _write(self, job: Job, files: Sequence[bytes], source: str) -> bool:
        """Write the results; whether any was: they may be there, the same to the last byte."""
        written = False
        made = job.made or ((),) * len(job.targets)
        for target, data, earlier in zip(job.targets, files, made, strict=True):
            if self.spec.skip_existing and os.path.lexists(target):
                continue
            try:
                write_bytes(
                    data,
                    target,
                    overwrite=self.spec.overwrite or is_ours(target, earlier),
                    announce=self._announcement(target, source, digest(data)),
                )
                written = True
            except OutputExistsError:
                if not holds(target, data):
                    raise
        return written

    def _announcement(self, target: Path, source: str, result: str) -> Callable[[Path], None]:
        def announce(temporary: Path) -> None:
            if self.journal is not None:
                self.journal.announce(target, temporary, source, result)

        return announce


def notes_on(faces: Sequence[EditedFace]) -> list[str]:
    """What there is to say about some of the faces."""
    return [f"face {face.crop.face.index}: {note}" for face in faces for note in face.notes]


def is_unchanged(job: Job, source: str) -> bool:
    """Whether all results are there, as an earlier run made them from the same bytes."""
    return bool(job.made) and all(
        is_ours(target, [made for made in earlier if made.source == source])
        for target, earlier in zip(job.targets, job.made, strict=True)
    )


def holds(target: Path, data: bytes) -> bool:
    """Whether a file holds these bytes."""
    try:
        return target.read_bytes() == data
    except OSError:
        return False


def is_ours(target: Path, earlier: Sequence[Made]) -> bool:
    """Whether the file that is there is what an earlier run wrote, and nobody touched since."""
    try:
        return bool(earlier) and digest(target.read_bytes()) in {made.result for made in earlier}
    except OSError:
        return False
