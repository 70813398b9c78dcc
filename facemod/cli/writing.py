"""What a result looks like as a file: the photo, the aligned face, or before beside after."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from facemod.imaging.marking import Kind, Mark
    from facemod.imaging.photo import Photo
    from facemod.pipeline import EditedFace, Fidelity


class ResultKind(Enum):
    """What is written for each photo."""

    PHOTO = "photo"
    CROP = "crop"
    COMPARE = "compare"
    COMPARE_CROP = "compare-crop"

    @classmethod
    def of(cls, *, crop: bool, compare: bool) -> ResultKind:
        """The kind that the two flags ask for."""
        if compare:
            return cls.COMPARE_CROP if crop else cls.COMPARE
        return cls.CROP if crop else cls.PHOTO

    @property
    def suffix(self) -> str | None:
        """What replaces the end of the photo's name; None keeps it."""
        return {self.PHOTO: None, self.CROP: ".png"}.get(self, ".compare.png")

    def mark_kind(self, fidelity: Fidelity) -> Kind:
        """Whether any pixel of the photo survives in the result."""
        decoded_only = self is self.CROP and fidelity.value == "encode"
        return "synthetic" if decoded_only else "composite"


def write_result(
    kind: ResultKind,
    photo: Photo,
    edited: Photo,
    faces: Sequence[EditedFace],
    target: Path,
    mark: Mark | None,
    overwrite: bool,
) -> tuple[str, ...]:
    """Write one result; several aligned faces go into one picture. Returns notes on losses."""
    from facemod.imaging.writing import write_image, write_photo

    if kind is ResultKind.PHOTO:
        return write_photo(edited, target, mark=mark, overwrite=overwrite)
    write_image(picture(kind, photo, edited, faces), target, mark=mark, overwrite=overwrite)
    return ()


def picture(
    kind: ResultKind, photo: Photo, edited: Photo, faces: Sequence[EditedFace]
) -> np.ndarray:
    """The pixels of every kind of result but the photo itself."""
    from facemod.imaging.sheet import side_by_side, tile

    if kind is ResultKind.COMPARE:
        return side_by_side(photo.rgb, edited.rgb)
    if kind is ResultKind.CROP:
        return tile([face.pixels for face in faces], columns=len(faces))
    pairs = [pixels for face in faces for pixels in (face.crop.pixels, face.pixels)]
    return tile(pairs, columns=2)
