"""Painting: strokes on a copy of a photo become a change of the faces that they are on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facemod.editing.corridor import EditedFace, EditFunction, Editor, Fidelity, composited
from facemod.errors import InputError, UsageError
from facemod.faces.align import crop_face
from facemod.faces.face import Face
from facemod.fidelity.paint import Strokes, explain, find_strokes
from facemod.fidelity.regions import Regions
from facemod.imaging.photo import Photo
from facemod.latent.codes import Codes
from facemod.models.base import WindowModel
from facemod.tensors.pixels import to_tensor

Progress = Callable[[int, int], None]
"""Takes the number of steps that are done and of all steps."""


def paint_photo(
    editor: Editor,
    photo: Photo,
    painted: NDArray[np.uint8],
    *,
    faces: str = "all",
    strength: float = 1.0,
    steps: int = 40,
    fidelity: Fidelity = Fidelity.TRANSFER,
    regions: Regions | None = None,
    progress: Progress = lambda done, total: None,
) -> tuple[Photo, list[EditedFace]]:
    """Redraw the faces of a photo as the strokes on ``painted`` [H, W, 3] suggest.

    ``painted`` is the photo's rgb with strokes on it. Faces without strokes, and everything that
    is not near a stroke, keep their pixels. So does what ``regions`` leave out, strokes or not.

    Raises:
        UsageError: the model cannot draw parts of its picture.
        NoFaceError: the photo has no face, or not the one that was asked for.
        InputError: there are no strokes on these faces, or the mask is not of the photo's size.
    """
    model = editor.model
    if not isinstance(model, WindowModel):
        raise UsageError(f"a {model.info.family} model cannot be painted with; use --model bundled")
    allowed = regions or Regions()
    allowed.check(photo.rgb.shape[1::-1])
    found = editor.faces(photo, faces)
    crops, strokes = _stroked(editor, photo, painted, found, allowed)
    encoded = editor.encode_crops(crops)
    total = steps * len(encoded)
    edits: list[EditFunction] = []
    for i, (face, seen) in enumerate(zip(encoded, strokes, strict=True)):
        moved = explain(
            model, face.codes, seen, steps=steps,
            progress=lambda step, i=i: progress(i * steps + step, total),
        )  # fmt: skip
        edits.append(_toward(moved, strength))
    shown = [seen.region for seen in strokes]
    edited = editor.edit_faces(encoded, edits, fidelity, shown)
    return composited(photo, edited, Fidelity.TRANSFER), edited


def _toward(moved: Codes, strength: float) -> EditFunction:
    return lambda codes: codes.shifted(strength * (moved.styles - codes.styles))


def _stroked(
    editor: Editor, photo: Photo, painted: NDArray[np.uint8], faces: list[Face], regions: Regions
) -> tuple[list, list[Strokes]]:
    """The crops of the faces that have strokes where they may change, and these strokes."""
    crops, strokes = [], []
    for face in faces:
        crop = editor.align(photo, face)
        other = crop_face(painted, face, len(crop.pixels))
        [allowed] = regions.of([crop])
        seen = find_strokes(to_tensor([crop.pixels]), to_tensor([other.pixels]), allowed)
        if seen is not None:
            crops.append(crop)
            strokes.append(seen)
    if not crops:
        raise InputError(
            "no strokes were found on the chosen faces, where they may change; paint clearly, on "
            "or around a face, and save the copy at good quality"
        )
    return crops, strokes
