"""Putting a change of the crop, or new pixels for it, back into the photo.

Only the bounding box of the crop's square is read and written, in tiles, so the cost
is that of the face and not of the photo. A pixel that nothing reaches keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from facemod.faces import affine
from facemod.faces.beyond import beyond
from facemod.faces.face import Crop
from facemod.faces.finer import finer, without_finer
from facemod.tensors.blur import resized

# Width of the fade where the photo goes on beyond the crop's border, as a part of its side.
FEATHER = 0.10
# A change of so much, in units of 0..255, so near to the border reaches it.
FELT, RIM = 6.0, 0.02
# A change that is whole up to so much loses nothing at the border.
HELD = 0.98
TILE = 128
REACH = 2  # px that bicubic interpolation looks beyond a point
# A crop so many times as dense as the photo need not be averaged down.
DENSER = 1.25

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Region = tuple[slice, slice]


def add_change(
    rgb: Pixels,
    crop: Crop,
    change: Floats,
    own: Tensor | None = None,
    gone: Tensor | None = None,
) -> None:
    """Add ``change`` [S, S, 3], in units of 0..255, to the photo [H, W, 3] in place.

    Where the change is exactly 0 the photo keeps its bytes. The change fades out toward the
    border of the crop, so that one that reaches it leaves no edge. Where it recolours people and
    moves none of them, which is ``own`` [K, K] in 0..1, hair goes on with it beyond the border.
    Where things are ``gone`` [K, K] in 0..1, a photo denser than the crop loses their finest lines.
    """
    held = feather(crop, rgb.shape, change)
    layers = [(crop, change * held[..., None])]
    if own is not None and held.min() < HELD:
        layers.append(beyond(rgb, crop, change, own, held))
    if gone is not None and affine.scale(crop.matrix) > DENSER:
        _smoothen(rgb, crop, resized(gone[None, None], len(held))[0, 0] * torch.from_numpy(held))
    for where, added in layers:
        for region, delta in _warped(rgb, where, torch.from_numpy(added)):
            rgb[region] = _rounded(delta.add_(_seen(rgb, region)))


def _smoothen(rgb: Pixels, crop: Crop, gone: Tensor) -> None:
    """Take away what of the photo is finer than the crop, where it is ``gone`` [S, S] in 0..1."""
    layers, limit = finer(rgb, crop, gone)
    for region, warped in _warped(rgb, crop, layers):
        rgb[region] = _rounded(without_finer(_seen(rgb, region).float(), warped, limit))


def replace(rgb: Pixels, crop: Crop, pixels: Pixels | Floats, mask: Floats) -> None:
    """Blend ``pixels`` [S, S, 3], 0..255, into the photo [H, W, 3] in place.

    ``mask`` [S, S] is 1 where the new pixels replace the photo and 0 where it keeps its bytes;
    it also fades out toward the border of the crop.
    """
    weight = torch.from_numpy(mask * feather(crop, rgb.shape))[..., None]
    pixels = torch.from_numpy(np.require(pixels, requirements="W"))
    layers = torch.cat((pixels * weight, weight), dim=2)
    for region, warped in _warped(rgb, crop, layers):
        kept = _seen(rgb, region) * (1 - warped[..., 3:])
        rgb[region] = _rounded(kept.add_(warped[..., :3]))


def feather(crop: Crop, shape: tuple[int, ...], change: Floats | None = None) -> Floats:
    """[S, S]: 1 inside, falling smoothly to 0 at the crop's border.

    Where a photo of ``shape`` (height, width, ...) ends before the border, it stays 1, and so it
    does where a ``change`` [S, S, 3], in units of 0..255, does not reach the border.
    """
    size = len(crop.pixels)
    far = np.clip((np.arange(size) + 0.5) / (size * FEATHER), 0, 1)
    fallen = 1 - far * far * (3 - 2 * far)
    sides = [_goes_on(crop, shape, side) for side in range(4)]
    if change is not None:
        sides = [there * at for there, at in zip(sides, _reaches(change), strict=True)]
    left, top, right, bottom = (_softened(side) for side in sides)
    across = (1 - left[:, None] * fallen) * (1 - right[:, None] * fallen[::-1])
    down = (1 - top[:, None] * fallen) * (1 - bottom[:, None] * fallen[::-1])
    return (across * down.T).astype(np.float32)


def _goes_on(crop: Crop, shape: tuple[int, ...], side: int) -> Floats:
    """[S]: 1 where the photo goes on beyond the crop's left, top, right or bottom, 0 elsewhere."""
    size = len(crop.pixels)
    beyond = np.full(size, -1.0 if side < 2 else size)
    along = np.arange(size)
    points = np.stack((along, beyond) if side % 2 else (beyond, along), axis=-1)
    x, y = affine.apply(crop.matrix, points).T
    inside = (x > -0.5) & (y > -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)
    return inside.astype(np.float32)


def _reaches(change: Floats) -> list[Floats]:
    """How much a change [S, S, 3] is felt at the left, top, right and bottom, [S] in 0..1 each."""
    depth = max(1, round(RIM * len(change)))
    rims = (change[:, :depth], change[:depth], change[:, -depth:], change[-depth:])
    felt = [np.abs(rim).max(axis=(axis, 2)) for rim, axis in zip(rims, (1, 0, 1, 0), strict=True)]
    return [np.clip(rim / FELT, 0, 1) for rim in felt]


def _softened(side: Floats) -> Floats:
    """Values [S] along a side, spread to neighbours and smooth, but nowhere less than before."""
    reach = max(1, round(FEATHER * len(side)))
    window = 2 * reach + 1
    spread = sliding_window_view(np.pad(side, 2 * reach, mode="edge"), window).max(axis=-1)
    return np.convolve(spread, np.full(window, 1 / window), mode="valid").astype(np.float32)


def _seen(rgb: Pixels, region: Region) -> Tensor:
    return torch.from_numpy(np.asarray(rgb[region]))


def _rounded(values: Tensor) -> Pixels:
    return values.round_().clamp_(0, 255).byte().numpy()


def _warped(rgb: Pixels, crop: Crop, layers: Tensor) -> Iterator[tuple[Region, Tensor]]:
    """The layers [S, S, C] as the photo sees them: (rows and columns, [h, w, C]) by tiles.

    A crop that is much denser than the photo is averaged down first; then it is interpolated
    bicubically. Both have narrow support, so what is exactly 0 stays exactly 0, and tiles of
    nothing else are left out.
    """
    planes, to_planes = _averaged(layers, affine.inverse(crop.matrix))
    left, top, right, bottom = _bounds(crop, rgb.shape)
    for row, column in product(range(top, bottom, TILE), range(left, right, TILE)):
        rows = slice(row, min(row + TILE, bottom))
        columns = slice(column, min(column + TILE, right))
        size = (rows.stop - rows.start, columns.stop - columns.start)
        from_tile = to_planes.copy()
        from_tile[:, 2] = affine.apply(to_planes, np.array([column, row], dtype=np.float64))
        if _reached(planes, from_tile, size).count_nonzero():
            yield (rows, columns), _sampled(planes, from_tile, size)


def _reached(planes: Tensor, to_planes: affine.Matrix, size: tuple[int, int]) -> Tensor:
    """The part of the planes that the pixels [h, w] of ``size`` are interpolated from."""
    corners = np.array([[0, 0], [size[1], 0], [0, size[0]], size[::-1]])
    reach = affine.apply(to_planes, corners)
    x, y = (reach.min(0) - REACH).clip(0).astype(int)
    x_end, y_end = (reach.max(0) + REACH + 1).clip(0).astype(int)
    return planes[:, :, y:y_end, x:x_end]


def _sampled(planes: Tensor, to_planes: affine.Matrix, size: tuple[int, int]) -> Tensor:
    """The planes [1, C, S, S] bicubically at the pixels [h, w] of ``size``: [h, w, C]."""
    # torch counts from -1 at the outer edge of the first pixel to 1 at that of the last.
    matrix = affine.rescaled(to_planes, np.zeros(2), np.full(2, 2 / planes.shape[-1]))
    matrix[:, 2] += 0.5 - 1
    x, y = (torch.arange(count, dtype=torch.float64) for count in size[::-1])
    grid = torch.empty(1, *size, 2)
    for i, (per_column, per_row, start) in enumerate(matrix.tolist()):
        torch.add((per_column * x + start)[None], (per_row * y)[:, None], out=grid[0, :, :, i])
    sampled = F.grid_sample(planes, grid, mode="bicubic", align_corners=False)
    return sampled[0].permute(1, 2, 0)


def _averaged(layers: Tensor, to_crop: affine.Matrix) -> tuple[Tensor, affine.Matrix]:
    """The layers as planes [1, C, S, S] hardly denser than the photo, and the map to them."""
    size = len(layers)
    reduced = min(size, max(1, round(size / affine.scale(to_crop))))
    planes = layers.permute(2, 0, 1)[None]
    if reduced * DENSER >= size:
        return planes, to_crop
    images = [Image.fromarray(plane) for plane in planes[0].contiguous().numpy()]
    smaller = [i.resize((reduced, reduced), Image.Resampling.HAMMING) for i in images]
    planes = torch.from_numpy(np.stack([np.asarray(image) for image in smaller]))[None]
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
