"""Morphing: a film from one real face to the next.

Codes are interpolated, and so are the residuals, that is what the model missed of each real
photo. So every leg begins and ends on the real aligned photos, not on their reconstructions.
The residual's light and colour cross over evenly; its fine detail belongs to one pose and fades
quickly, or it would show both faces at once half way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.editing.editor import EncodedFace
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.transfer import SMOOTH
from facemod.latent.interpolate import Step, between
from facemod.models.base import FaceModel
from facemod.tensors.blur import gaussian_blur
from facemod.tensors.pixels import to_pixels, to_tensor

DETAIL_FADES = 3  # the power of a face's presence with which its fine detail shows


def morph_frames(
    model: FaceModel,
    faces: Sequence[EncodedFace],
    steps: Sequence[Step],
    size: int,
    fidelity: Fidelity = Fidelity.TRANSFER,
) -> Iterator[NDArray[np.uint8]]:
    """Frames [size, size, 3] of a walk through encoded faces, one at a time.

    Frames that stand on a face are its aligned photo, resized and nothing else; when nothing is
    to be transferred, they are what the model decodes, as all others.
    """
    if not fidelity.transfers:
        for step in steps:
            yield to_pixels(resized(_decoded(model, faces, step), size))[0]
        return
    photos = [resized(to_tensor([face.crop.pixels]), size) for face in faces]
    residuals = [
        photo - resized(face.reconstruction, size)
        for photo, face in zip(photos, faces, strict=True)
    ]
    smooth = [gaussian_blur(residual, SMOOTH) for residual in residuals]
    for step in steps:
        here, there = step.leg, (step.leg + 1) % len(faces)
        if step.t in (0.0, 1.0):
            yield to_pixels(photos[there if step.t else here])[0]
            continue
        decoded = _decoded(model, faces, step)
        frame = resized(decoded, size) + smooth[here].lerp(smooth[there], step.t)
        for face, presence in ((here, 1 - step.t), (there, step.t)):
            frame += presence**DETAIL_FADES * (residuals[face] - smooth[face])
        yield to_pixels(frame)[0]


def _decoded(model: FaceModel, faces: Sequence[EncodedFace], step: Step) -> Tensor:
    """The picture [1, 3, R, R] of one step's codes, as large as the aligned faces."""
    here, there = faces[step.leg], faces[(step.leg + 1) % len(faces)]
    return model.decode(between(here.codes, there.codes, step.t), len(here.crop.pixels)).cpu()


def resized(images: Tensor, size: int) -> Tensor:
    """Square images [N, 3, S, S] at another size, antialiased when shrinking."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(
        images, (size, size), mode="bicubic", align_corners=False, antialias=True
    ).clamp(-1, 1)
