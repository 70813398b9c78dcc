"""Tasks: what is done with the faces of one photo, apart from the photos around it.

A task is a small value that can travel to another process. It has two halves: ``faces`` needs
the model and may see faces of several photos at once, ``files`` needs no model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from facemod.editing.corridor import (
    EditedFace,
    EditFunction,
    Editor,
    Fidelity,
    check_likeness,
    composited,
    reconstruction_scores,
)
from facemod.editing.results import ResultKind, result_file
from facemod.faces.face import Crop
from facemod.fidelity.regions import Regions
from facemod.imaging.marking import Mark, mark_in
from facemod.imaging.photo import Photo
from facemod.imaging.sheet import tile
from facemod.imaging.writing import image_file
from facemod.latent.codes import Codes
from facemod.tensors.pixels import to_pixels

Files = tuple[list[bytes], tuple[str, ...]]
"""The bytes of each target, and words on what was lost."""


class Task(Protocol):
    """What a command does with each photo."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        """One result for each aligned face, whatever photos they are from."""
        ...

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        """The files that one photo's faces make."""
        ...


def no_notes(codes: Codes) -> Sequence[str]:
    """For edits that go without saying."""
    return ()


@dataclass(frozen=True, eq=False)
class Edit:
    """Edit every face and put it back."""

    edit: EditFunction
    fidelity: Fidelity
    kind: ResultKind
    mark: Mark | None
    notes: Callable[[Codes], Sequence[str]] = no_notes
    """What to say about the edit of one face's codes."""
    regions: Regions | None = None
    """Where on the faces the edit may show; everywhere if it is None."""
    min_likeness: float | None = None
    """Photos with a face that came out less alike fail."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        encoded = editor.encode_crops(crops, self.fidelity)
        regions = self.regions.of(crops) if self.regions else None
        edited = editor.edit_faces(encoded, [self.edit] * len(encoded), self.fidelity, regions)
        return [
            replace(after, notes=tuple(self.notes(before.codes)))
            for before, after in zip(encoded, edited, strict=True)
        ]

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        check_likeness(faces, self.min_likeness)
        fidelity = self.fidelity
        if self.regions is not None:
            self.regions.check(photo.rgb.shape[1::-1])
            fidelity = Fidelity.TRANSFER  # what is outside of the regions stays bit for bit
        edited = composited(photo, faces, fidelity)
        data, notes = result_file(self.kind, photo, edited, faces, targets[0], self.mark)
        return [data], notes


@dataclass(frozen=True)
class Reconstruct:
    """What the model makes of each face, and the face."""

    mark: Mark | None
    fidelity: Fidelity = Fidelity.ENCODE
    min_likeness: float | None = None

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        return [
            EditedFace(face.crop, to_pixels(face.reconstruction)[0], reconstruction_scores(face))
            for face in editor.encode_crops(crops, self.fidelity)
        ]

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        check_likeness(faces, self.min_likeness)
        after = tile([face.pixels for face in faces], columns=len(faces))
        before = tile([face.crop.pixels for face in faces], columns=len(faces))
        marks = (self.mark, mark_in(photo.source.xmp))
        pictures = zip((after, before), targets, marks, strict=True)
        return [image_file(picture, target, mark=mark) for picture, target, mark in pictures], ()


@dataclass(frozen=True)
class Align:
    """The aligned faces, unedited."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        return [EditedFace(crop, crop.pixels, {"verify": crop.face.verify}) for crop in crops]

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        picture = tile([face.pixels for face in faces], columns=len(faces))
        # Nothing is edited here, but a photo that was before stays marked.
        return [image_file(picture, targets[0], mark=mark_in(photo.source.xmp))], ()
