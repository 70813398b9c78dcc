"""Putting a change of the crop, or new pixels for it, back into the photo.

Only the bounding box of the crop's square is read and written, in bands of rows, so the cost
is that of the face and not of the photo. A pixel that nothing reaches keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.faces import affine
from facemod.faces.face import Crop

# Width of the fade at the crop's border, as a part of its side.
FEATHER = 0.06
BAND = 256

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]


def add_change(rgb: Pixels, crop: Crop, change: Floats) -> None:
    """Add ``change`` [S, S, 3], in units of 0..255, to the photo [H, W, 3] in place.

    Where the change is exactly 0 the photo keeps its bytes. The change fades out toward the
    border of the crop, so that one that reaches it leaves no edge.
    """
    faded = change * feather(len(change))[..., None]
    for region, delta in _warped(rgb, crop, faded):
        rgb[region] = _rounded(rgb[region] + delta)


def replace(rgb: Pixels, crop: Crop, pixels: Pixels | Floats, mask: Floats) -> None:
    """Blend ``pixels`` [S, S, 3], 0..255, into the photo [H, W, 3] in place.

    ``mask`` [S, S] is 1 where the new pixels replace the photo and 0 where it keeps its bytes;
    it also fades out toward the border of the crop.
    """
    weight = (mask * feather(len(mask)))[..., None]
    layers = np.concatenate((pixels * weight, weight), axis=2, dtype=np.float32)
    for region, warped in _warped(rgb, crop, layers):
        rgb[region] = _rounded(rgb[region] * (1 - warped[..., 3:]) + warped[..., :3])


def feather(size: int) -> Floats:
    """[size, size]: 1 inside, falling smoothly to 0 at the border."""
    position = (np.arange(size) + 0.5) / size
    ramp = np.clip(np.minimum(position, 1 - position) / FEATHER, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return (ramp[:, None] * ramp).astype(np.float32)


def _rounded(values: Floats) -> Pixels:
    return np.rint(values).clip(0, 255).astype(np.uint8)


def _warped(
    rgb: Pixels, crop: Crop, layers: Floats
) -> Iterator[tuple[tuple[slice, slice], Floats]]:
    """The layers [S, S, C] as the photo sees them: (rows and columns, [h, w, C]) by bands.

    A crop denser than the photo is averaged down first; one that is coarser is interpolated
    bicubically. Both have narrow support, so what is exactly 0 stays exactly 0.
    """
    planes, to_planes = _averaged(layers, affine.inverse(crop.matrix))
    left, top, right, bottom = _bounds(crop, rgb.shape)
    for row in range(top, bottom, BAND):
        rows, columns = slice(row, min(row + BAND, bottom)), slice(left, right)
        from_band = to_planes.copy()
        from_band[:, 2] = affine.apply(to_planes, np.array([left, row], dtype=np.float64))
        size = (columns.stop - columns.start, rows.stop - rows.start)
        coefficients = affine.pillow_coefficients(from_band)
        warped = [
            plane.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BICUBIC)
            for plane in planes
        ]
        yield (rows, columns), np.stack([np.asarray(plane) for plane in warped], axis=2)


def _averaged(layers: Floats, to_crop: affine.Matrix) -> tuple[list[Image.Image], affine.Matrix]:
    """One float image per layer, no denser than the photo, and the map from the photo to it."""
    size = len(layers)
    reduced = min(size, max(1, round(size / affine.scale(to_crop))))
    contiguous = np.ascontiguousarray(np.moveaxis(layers, 2, 0), dtype=np.float32)
    planes = [Image.fromarray(plane) for plane in contiguous]
    if reduced < size:
        planes = [plane.resize((reduced, reduced), Image.Resampling.HAMMING) for plane in planes]
    return planes, affine.rescaled(to_crop, np.zeros(2), np.full(2, reduced / size))


def _bounds(crop: Crop, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the part of the photo that the crop's square can reach."""
    size = len(crop.pixels)
    edge = np.array([-0.5, size - 0.5])
    corners = affine.apply(crop.matrix, np.stack(np.meshgrid(edge, edge), -1).reshape(4, 2))
    low, high = np.floor(corners.min(0)), np.ceil(corners.max(0)) + 1
    limit = np.array([shape[1], shape[0]])
    (left, top), (right, bottom) = (end.clip(0, limit).astype(int).tolist() for end in (low, high))
    return left, top, right, bottom
