"""What a result looks like as a file: the photo, the aligned face, or before beside after."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from facemod import __version__
from facemod.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from facemod.editing.corridor import EditedFace
    from facemod.fidelity.ladder import Fidelity
    from facemod.imaging.marking import Kind, Mark
    from facemod.imaging.photo import Photo


class ResultKind(Enum):
    """What is written for each photo."""

    PHOTO = "photo"
    CROP = "crop"
    COMPARE = "compare"
    COMPARE_CROP = "compare-crop"
    PREVIEW = "preview"

    @classmethod
    def of(cls, *, crop: bool, compare: bool, preview: bool = False) -> ResultKind:
        """The kind that the flags ask for; UsageError where they exclude each other."""
        if preview:
            if crop or compare:
                raise UsageError("--preview draws sheets of faces; leave out --crop and --compare")
            return cls.PREVIEW
        if compare:
            return cls.COMPARE_CROP if crop else cls.COMPARE
        return cls.CROP if crop else cls.PHOTO

    @property
    def crops(self) -> bool:
        """Whether it shows the aligned face alone."""
        return self in (self.CROP, self.COMPARE_CROP)

    @property
    def compares(self) -> bool:
        """Whether it shows before and after."""
        return self in (self.COMPARE, self.COMPARE_CROP)

    @property
    def suffix(self) -> str | None:
        """What replaces the end of the photo's name; None keeps it."""
        own = {self.PHOTO: None, self.CROP: ".png", self.PREVIEW: ".preview.png"}
        return own.get(self, ".compare.png")

    def mark_kind(self, fidelity: Fidelity) -> Kind:
        """Whether any pixel of the photo survives in the result."""
        decoded_only = self is self.CROP and fidelity.value == "encode"
        return "synthetic" if decoded_only else "composite"


def mark_for(kind: Kind, recipe: str) -> Mark:
    """What is written into the metadata of a result of ours; ``recipe`` is the edit in words."""
    from facemod.imaging.marking import Mark

    return Mark(kind, recipe, f"facemod {__version__}")


def result_file(
    kind: ResultKind,
    photo: Photo,
    edited: Photo,
    faces: Sequence[EditedFace],
    target: Path,
    mark: Mark | None,
) -> tuple[bytes, tuple[str, ...]]:
    """One result as its file's bytes, and notes on losses; several faces go into one picture."""
    from facemod.imaging.writing import image_file, photo_file

    if kind is ResultKind.PHOTO:
        return photo_file(edited, target, mark=mark)
    return image_file(picture(kind, photo, edited, faces), target, mark=mark), ()


def picture(
    kind: ResultKind, photo: Photo, edited: Photo, faces: Sequence[EditedFace]
) -> np.ndarray:
    """The pixels of every kind of result but the photo itself and previews."""
    from facemod.imaging.sheet import side_by_side, tile

    if kind is ResultKind.COMPARE:
        return side_by_side(photo.rgb, edited.rgb)
    if kind is ResultKind.CROP:
        return tile([face.pixels for face in faces], columns=len(faces))
    pairs = [pixels for face in faces for pixels in (face.crop.pixels, face.pixels)]
    return tile(pairs, columns=2)
