"""From landmarks to an upright square crop, the way the FFHQ data set was cut.

The square follows Karras, Laine, Aila 2019 (arXiv 1812.04948), recreate_aligned_images; outside
of the photo the crop shows the photo's mirror image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.faces import affine
from facemod.faces.face import Crop, Face

# Photo pixels around the square that the interpolation may read.
MARGIN = 4
DENSER = 1.1
# The part of its square within which a face has its middle for itself.
ALONE = 0.2


def ffhq_square(landmarks: affine.Points) -> tuple[affine.Points, affine.Points]:
    """Centre [2] and half width [2] (from the centre to the middle of the right side)."""
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    across, down = landmarks[1] - landmarks[0], mouth - eyes
    direction = across + np.array([down[1], -down[0]])
    reach = max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down))
    return eyes + 0.1 * down, direction / np.hypot(*direction) * reach


def ffhq_matrix(landmarks: affine.Points, size: int) -> affine.Matrix:
    """The map [2, 3] from a crop of ``size`` px to the photo, for landmarks [5, 2]."""
    return affine.similarity(*ffhq_square(landmarks), size)


def square_side(face: Face) -> float:
    """How many photo pixels a side of the square around ``face`` covers."""
    _, half_width = ffhq_square(face.landmarks)
    return float(2 * np.hypot(*half_width))


def same_place(one: Face, other: Face) -> bool:
    """Whether two faces, of one frame of a film or of neighbours, are where only one can be."""
    (a, _), (b, _) = ffhq_square(one.landmarks), ffhq_square(other.landmarks)
    return float(np.hypot(*(a - b))) < ALONE * min(square_side(one), square_side(other))


def crop_face(rgb: NDArray[np.uint8], face: Face, size: int) -> Crop:
    """Cut ``face`` out of a photo [H, W, 3] as a square of ``size`` px."""
    matrix = ffhq_matrix(face.landmarks, size)
    return Crop(cut(rgb, matrix, size), matrix, face)


def cut(rgb: NDArray[np.uint8], matrix: affine.Matrix, size: int) -> NDArray[np.uint8]:
    """The crop [size, size, 3] that ``matrix`` cuts out of a photo [H, W, 3].

    Memory grows with the crop, not with the photo. A photo with more detail than the crop is
    scaled down first, to a little more than the crop's density, as turning it blurs a little.
    """
    corners = np.array([[0, 0], [size - 1, 0], [0, size - 1], [size - 1, size - 1]])
    reach = affine.apply(matrix, corners)
    margin = MARGIN * max(1.0, affine.scale(matrix))
    low = np.floor(reach.min(0) - margin).astype(int)
    high = np.ceil(reach.max(0) + margin).astype(int)
    bounds = np.array([rgb.shape[1], rgb.shape[0]])
    start, stop = low.clip(0, bounds - 1), high.clip(1, bounds)
    around = Image.fromarray(rgb[start[1] : stop[1], start[0] : stop[0]])
    density = min(1.0, DENSER / affine.scale(matrix))
    reduced = np.maximum(1, np.ceil((stop - start) * density)).astype(int)
    around = around.resize(tuple(reduced.tolist()), Image.Resampling.LANCZOS, reducing_gap=3.0)
    factors = reduced / (stop - start)
    before = np.ceil((start - low).clip(0) * factors).astype(int)
    after = np.ceil((high - stop).clip(0) * factors).astype(int)
    padding = ((before[1], after[1]), (before[0], after[0]), (0, 0))
    padded = Image.fromarray(np.pad(np.asarray(around), padding, mode="reflect"))
    to_padded = affine.rescaled(matrix, start, factors)
    to_padded[:, 2] += before
    turned = padded.transform(
        (size, size),
        Image.Transform.AFFINE,
        affine.pillow_coefficients(to_padded),
        Image.Resampling.BICUBIC,
    )
    return np.asarray(turned)
