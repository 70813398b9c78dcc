"""Previews: one face at several strengths on a sheet, to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facemod.editing.corridor import EditedFace, Places, redraw
from facemod.editing.editor import Editor, EncodedFace
from facemod.faces.face import Crop
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.regions import Regions
from facemod.imaging.marking import Mark
from facemod.imaging.photo import Photo
from facemod.imaging.sheet import shrunk, tile, with_labels
from facemod.imaging.writing import image_file
from facemod.latent.edits import Edit


class Variant(NamedTuple):
    """An edit, and what is written below its picture."""

    label: str
    edit: Edit


Row = Sequence[Variant]
Cells = Sequence[np.ndarray | None]
"""Pictures uint8 [h, w, 3] beside each other; None where there is none."""


@dataclass(frozen=True, eq=False)
class Preview:
    """The treatment that draws each face in rows of variants; the photo stays as it is."""

    rows: Sequence[Row]
    """Rows of the same length."""
    fidelity: Fidelity = Fidelity.TRANSFER
    mark: Mark | None = None
    asked: Regions | None = None
    """Where on the faces edits may show, if somebody said so."""

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        return [self._sheet(face) for face in editor.encode(crops, self.fidelity)]

    def _sheet(self, face: EncodedFace) -> EditedFace:
        """The face with its sheet in the place of edited pixels."""
        face = face.decoded()
        drawn = [draw_row(face, row, self.fidelity, self.asked) for row in self.rows]
        return EditedFace(face.crop, sheet_of(drawn), {})

    def files(
        self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]
    ) -> tuple[list[bytes], tuple[str, ...]]:
        """One picture for each photo, the sheets of its faces one below the other."""
        if self.asked is not None:
            self.asked.check(photo.rgb.shape[1::-1])
        picture = tile([face.pixels for face in faces], columns=1)
        return [image_file(picture, targets[0], mark=self.mark)], ()


def draw_row(
    face: EncodedFace,
    row: Row,
    fidelity: Fidelity,
    asked: Places | None = None,
    side: int | None = None,
) -> list[np.ndarray]:
    """Pictures uint8 [h, w, 3] of one face's variants, with labels and likeness below.

    ``side`` is that of a picture in px; None: as the face was cut out.
    """
    edited = redraw([face] * len(row), [variant.edit for variant in row], fidelity, asked)
    pictures = [shrunk(one.pixels, side) if side else one.pixels for one in edited]
    alike = [f"likeness {one.scores['likeness']:.2f}" for one in edited]
    return with_labels(with_labels(pictures, [variant.label for variant in row]), alike)


def sheet_of(rows: Iterable[Cells]) -> np.ndarray:
    """Rows of pictures as one picture uint8 [H, W, 3]."""
    drawn = list(rows)
    return tile([cell for row in drawn for cell in row], columns=max(map(len, drawn)))
