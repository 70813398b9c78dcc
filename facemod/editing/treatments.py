"""Treatments: what is done with the faces of one photo, apart from the photos around it.

A treatment is a small value that can travel to another process. It has two halves: ``faces``
needs the model and may see faces of several photos at once, ``files`` needs no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facemod.editing.corridor import EditedFace, check_likeness, put_back, reconstruct, redraw
from facemod.editing.editor import Editor, EncodedFace
from facemod.editing.filmed import redrawn_in_order
from facemod.editing.results import ResultKind, result_file
from facemod.faces.face import Crop
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.regions import Regions
from facemod.imaging.marking import Mark, mark_in
from facemod.imaging.photo import Photo
from facemod.imaging.sheet import tile
from facemod.imaging.writing import image_file
from facemod.latent.edits import Edit

Files = tuple[list[bytes], tuple[str, ...]]
"""The bytes of each target, and words on what was lost."""


class Treatment(Protocol):
    """What a command does with each photo."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        """One result for each aligned face, whatever photos they are from."""
        ...

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        """The files that one photo's faces make."""
        ...


@dataclass(frozen=True, eq=False)
class Retouch:
    """Edit every face and put it back."""

    edit: Edit
    fidelity: Fidelity = Fidelity.TRANSFER
    kind: ResultKind = ResultKind.PHOTO
    mark: Mark | None = None
    asked: Regions | None = None
    """Where on the faces the edit may show, if somebody said so; else it goes by the edit."""
    min_likeness: float | None = None
    """Photos with a face that came out less alike fail."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        return self.redrawn(editor.encode(crops, self.fidelity))

    def redrawn(self, faces: Sequence[EncodedFace]) -> list[EditedFace]:
        """Encoded faces after the edit."""
        return redraw(faces, [self.edit] * len(faces), self.fidelity, self.asked)

    def filmed(self, faces: Sequence[EncodedFace]) -> Iterator[EditedFace]:
        """One face in consecutive frames after the edit, without scores."""
        return redrawn_in_order(faces, self.edit, self.fidelity, self.asked)

    @property
    def transfers(self) -> bool:
        """Whether the photo's own pixels stay, at least outside of the regions."""
        return self.fidelity.transfers or self.asked is not None

    def photo(self, photo: Photo, faces: Sequence[EditedFace]) -> Photo:
        """The photo with its edited faces.

        Raises:
            UnlikeError: one of them looks too little like itself.
            InputError: the mask is not of the photo's size.
        """
        check_likeness(faces, self.min_likeness)
        if self.asked is not None:
            self.asked.check(photo.rgb.shape[1::-1])
        return put_back(photo, faces, transfers=self.transfers)

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        edited = self.photo(photo, faces)
        data, notes = result_file(self.kind, photo, edited, faces, targets[0], self.mark)
        return [data], notes


@dataclass(frozen=True)
class Reconstruction:
    """What the model makes of each face, and the face."""

    mark: Mark | None
    fidelity: Fidelity = Fidelity.ENCODE
    min_likeness: float | None = None

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        return [reconstruct(face) for face in editor.encode(crops, self.fidelity)]

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        check_likeness(faces, self.min_likeness)
        after = tile([face.pixels for face in faces], columns=len(faces))
        before = tile([face.crop.pixels for face in faces], columns=len(faces))
        marks = (self.mark, mark_in(photo.source.xmp))
        pictures = zip((after, before), targets, marks, strict=True)
        return [image_file(picture, target, mark=mark) for picture, target, mark in pictures], ()


@dataclass(frozen=True)
class Alignment:
    """The aligned faces, unedited."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        return [EditedFace(crop, crop.pixels, {"verify": crop.face.verify}) for crop in crops]

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        picture = tile([face.pixels for face in faces], columns=len(faces))
        # Nothing is edited here, but a photo that was before stays marked.
        return [image_file(picture, targets[0], mark=mark_in(photo.source.xmp))], ()
