"""Painting: strokes on a copy of a photo become a change of the faces that they are on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from facemod.editing.corridor import EditedFace, check_likeness, put_back, redraw
from facemod.editing.editor import Editor, EncodedFace
from facemod.editing.results import ResultKind, result_file
from facemod.editing.treatments import Files
from facemod.errors import InputError, UsageError
from facemod.faces.align import crop_face
from facemod.faces.composite import replace
from facemod.faces.face import Crop
from facemod.fidelity.paint import (
    MEANT,
    Strokes,
    explain,
    find_strokes,
    painted_over,
    surroundings,
)
from facemod.fidelity.regions import Regions, box_mask
from facemod.imaging.marking import Mark
from facemod.imaging.photo import Photo
from facemod.latent.edits import Shift
from facemod.models.base import WindowModel
from facemod.tensors.pixels import to_tensor

# The side, in px, at which a whole photo is searched for strokes, the least area of one there, and
# the least part of all strokes that is worth a word.
SMALL, LEAST_STROKE, LEAST_SHARE = 512, 9, 0.05

# Where in its square a face is, whatever the segmenter takes it for.
MIDDLE = (0.30, 0.30, 0.70, 0.80)

Progress = Callable[[int, int], None]
"""Takes the number of steps that are done and of all steps."""


@dataclass(frozen=True)
class AroundStrokes:
    """The places around the strokes on each of some faces."""

    strokes: dict[int, Strokes]
    """By the number of the face."""

    def of(self, crops: Sequence[Crop]) -> list[Tensor]:
        """For each aligned face [1, 1, S, S] in 0..1."""
        return [self.strokes[crop.face.index].region for crop in crops]


@dataclass(frozen=True, eq=False)
class Painting:
    """Redraw the faces of one photo as strokes suggest: a treatment of this photo alone.

    Faces without strokes, and everything that is not near a stroke, keep their pixels. So does
    what ``regions`` leave out, strokes or not.
    """

    painted: NDArray[np.uint8]
    """The photo's rgb [H, W, 3] with strokes on it."""
    strength: float = 1.0
    steps: int = 40
    regions: Regions | None = None
    kind: ResultKind = ResultKind.PHOTO
    mark: Mark | None = None
    min_likeness: float | None = None
    progress: Progress = lambda done, total: None

    def faces(self, editor: Editor, crops: Sequence[Crop]) -> list[EditedFace]:
        """One result for each face that has strokes.

        Raises:
            UsageError: the model cannot draw parts of its picture.
            InputError: there are no strokes on these faces, or the mask is not of the photo's size.
        """
        model = editor.model
        if not isinstance(model, WindowModel):
            raise UsageError(
                f"a {model.info.family} model cannot be painted with; use --model bundled"
            )
        strokes = self._strokes(crops)
        encoded = editor.encode([crop for crop in crops if crop.face.index in strokes])
        edits = [
            self._search(model, face, strokes[face.crop.face.index], done, len(encoded))
            for done, face in enumerate(encoded)
        ]
        return redraw(encoded, edits, asked=AroundStrokes(strokes))

    def files(self, photo: Photo, faces: Sequence[EditedFace], targets: Sequence[Path]) -> Files:
        """The one file, with the photo or its faces."""
        check_likeness(faces, self.min_likeness)
        edited = put_back(photo, faces)
        data, notes = result_file(self.kind, photo, edited, faces, targets[0], self.mark)
        return [data], (*notes, *self._left_out(photo, faces))

    def _left_out(self, photo: Photo, faces: Sequence[EditedFace]) -> tuple[str, ...]:
        """A word on strokes that are not on the faces, if there are any."""
        reached = np.zeros_like(photo.rgb)
        for crop, person in zip(crops := [f.crop for f in faces], _persons(crops), strict=True):
            meant = surroundings(person, *MEANT)[0, 0].numpy()
            replace(reached, crop, np.full_like(crop.pixels, 255), meant)
        before, after, seen = (to_tensor([_small(p)]) for p in (photo.rgb, self.painted, reached))
        strokes = painted_over(before, after) > 0.5
        outside = float((strokes & (seen[:, :1] < 0)).sum())
        if outside < max(LEAST_STROKE, LEAST_SHARE * float(strokes.sum())):
            return ()
        return ("strokes away from the chosen faces were left out",)

    def _strokes(self, crops: Sequence[Crop]) -> dict[int, Strokes]:
        """The strokes on each face that has some where it may change, by the face's number."""
        regions = self.regions or Regions()
        regions.check(self.painted.shape[1::-1])
        strokes = {}
        for crop, allowed, person in zip(crops, regions.of(crops), _persons(crops), strict=True):
            copy = crop_face(self.painted, crop.face, len(crop.pixels))
            seen = find_strokes(to_tensor([crop.pixels]), to_tensor([copy.pixels]), allowed, person)
            if seen is not None:
                strokes[crop.face.index] = seen
        if not strokes:
            raise InputError(
                "no strokes were found on the chosen faces, where they may change; paint clearly, "
                "on or around a face, and save the copy at good quality"
            )
        return strokes

    def _search(
        self, model: WindowModel, face: EncodedFace, strokes: Strokes, done: int, faces: int
    ) -> Shift:
        """Where the strokes on one face lead; ``done`` faces of all are finished."""
        moved = explain(
            model, face.codes, strokes, steps=self.steps,
            progress=lambda step: self.progress(done * self.steps + step, faces * self.steps),
        )  # fmt: skip
        return Shift(self.strength * (moved.styles - face.codes.styles), scenic=True)


def _persons(crops: Sequence[Crop]) -> list[Tensor]:
    """For each aligned face [1, 1, S, S] in 0..1: where somebody is, and surely at its middle."""
    seen = Regions(protect=("background",)).of(crops)
    return [torch.maximum(person, box_mask([MIDDLE], person.shape[-1])) for person in seen]


def _small(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture [H, W, 3] no larger than is needed to see strokes on it."""
    image = Image.fromarray(rgb)
    image.thumbnail((SMALL, SMALL), Image.Resampling.BOX)
    return np.asarray(image)
