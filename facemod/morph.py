"""Morphing: a film from one real face to the next.

Codes are interpolated, and so are the residuals, that is what the model missed of each real
photo. So every leg begins and ends on the real aligned photos, not on their reconstructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.latent.interpolate import Step, lerp
from facemod.models.base import FaceModel
from facemod.pipeline import EncodedFace, to_pixels, to_tensor


def morph_frames(
    model: FaceModel, faces: Sequence[EncodedFace], steps: Sequence[Step], size: int
) -> Iterator[NDArray[np.uint8]]:
    """Frames [size, size, 3] of a walk through encoded faces, one at a time.

    Frames that stand on a face are its aligned photo, resized and nothing else.
    """
    photos = [resized(to_tensor([face.crop.pixels]), size) for face in faces]
    residuals = [
        photo - resized(face.reconstruction, size)
        for photo, face in zip(photos, faces, strict=True)
    ]
    for step in steps:
        here, there = step.leg, (step.leg + 1) % len(faces)
        if step.t in (0.0, 1.0):
            yield to_pixels(photos[there if step.t else here])[0]
            continue
        decoded = model.decode(lerp(faces[here].codes, faces[there].codes, step.t)).cpu()
        residual = residuals[here].lerp(residuals[there], step.t)
        yield to_pixels(resized(decoded, size) + residual)[0]


def resized(images: Tensor, size: int) -> Tensor:
    """Square images [N, 3, S, S] at another size, antialiased when shrinking."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(
        images, (size, size), mode="bicubic", align_corners=False, antialias=True
    ).clamp(-1, 1)
