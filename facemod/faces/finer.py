"""What a photo shows of a face that is finer than the face's crop.

An edit is drawn on the crop. What the crop is too small for stays in the photo, as it should: but
thin lines of an old mouth must not stay across a new one. The photo's grain stays there as well.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces import affine
from facemod.faces.face import Crop
from facemod.tensors.blur import limited
from facemod.tensors.grain import calm, usual_limit

# The part of a crop's side that the face takes.
FACE = slice(0.25, 0.8)


def finer(rgb: NDArray[np.uint8], crop: Crop, gone: Tensor) -> tuple[Tensor, Tensor]:
    """What :func:`without_finer` has to know of the crop of a photo [H, W, 3].

    ``gone`` is [S, S] in 0..1. Returns layers [S, S, 5] and the largest grain, [1, 1, 1].
    """
    pixels = torch.from_numpy(crop.pixels.astype(np.float32))
    size = len(pixels)
    steps = np.arange(size, dtype=np.float64)
    at = np.stack(np.meshgrid(steps, steps), axis=-1)
    x, y = np.moveaxis(affine.apply(crop.matrix, at).round().astype(int), -1, 0)
    seen = rgb[y.clip(0, rgb.shape[0] - 1), x.clip(0, rgb.shape[1] - 1)]
    fine = (torch.from_numpy(seen.astype(np.float32)) - pixels).permute(2, 0, 1)[None]
    face = slice(int(FACE.start * size), int(FACE.stop * size))
    limit = usual_limit(fine[..., face, face])
    weight = gone[..., None]
    kept = calm(fine, limit)[0, 0, ..., None]
    return torch.cat((pixels * weight, weight, weight * kept), dim=2), limit[0]


def without_finer(photo: Tensor, layers: Tensor, limit: Tensor) -> Tensor:
    """A part of a photo [h, w, 3] as the crop shows it where things are gone, with its own grain.

    ``layers`` [h, w, 5] and ``limit`` are those of :func:`finer` as they fall on it.
    """
    coarse, weight, kept = layers.split((3, 1, 1), dim=2)
    fine = weight * photo - coarse
    grain = limited(fine / weight.clamp_min(1e-3), limit)
    return photo - fine + kept * grain
