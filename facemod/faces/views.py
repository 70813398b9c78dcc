"""What a detector is shown of a photo: all of it, parts with detail, or a close look at a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageStat

from facemod.faces import affine
from facemod.faces.mipmaps import Box, Mipmaps

# Detail is looked for in blocks of so many px, and shown in cells of so many blocks, with so many
# px around them: a face of 32 px that has its middle in a cell is seen whole.
BLOCK, CELL, AROUND = 16, 8, 32
# What the photo loses in a block when it is scaled down to half and up again, of 255. The smallest
# faces that are found (of 14 px) lose 4.7 or more, out of focus or dim ones less; sky, walls and
# backgrounds out of focus lose less than 2.
DETAIL = 2.5
# A photo whose brightness varies less than that (standard deviation, of 255) has its detail
# weighed up, by as much as the second number at most.
CONTRAST, MOST = 48.0, 6.0
CLOSE_PX, CLOSE_SIDES = 128, 2.5


@dataclass(frozen=True, eq=False)
class View:
    """A part of a photo."""

    pixels: NDArray[np.uint8]
    """[H, W, 3]."""
    matrix: affine.Matrix
    """[2, 3], from the view to the photo."""


@dataclass(frozen=True)
class Disc:
    """A round part of the photo, in its pixels."""

    x: float
    y: float
    radius: float


def whole(photo: Mipmaps, side: int) -> View:
    """All of the photo, its longer side at most ``side`` px."""
    return part(photo, side, (0, 0, *photo.fitted(side)))


def part(photo: Mipmaps, side: int, box: Box) -> View:
    """The part ``box`` of the photo scaled down to ``side`` px."""
    fitted = photo.fitted(side)
    factors = np.array([photo.width / fitted[0], photo.height / fitted[1]])
    corner = np.array([[1.0, 0.0, box[0]], [0.0, 1.0, box[1]]])
    return View(photo.part(side, box), affine.rescaled(corner, np.zeros(2), factors))


def close(photo: Mipmaps, box: NDArray[np.float64], degrees: float) -> View:
    """A look at the surroundings of a box [4], as if turned upright from ``degrees``."""
    side = CLOSE_SIDES * math.sqrt(float(np.prod((box[2:] - box[:2]).clip(1e-6))))
    matrix = affine.square((box[:2] + box[2:]) / 2, degrees, side, CLOSE_PX)
    return View(photo.square(matrix, CLOSE_PX), matrix)


def detailed(photo: Mipmaps, side: int, known: Sequence[Disc]) -> list[View]:
    """Parts, all of one size, of the photo scaled down to ``side`` px: those with detail that it
    would not have at half that size, but for what lies in ``known`` discs."""
    blocks = detail(photo.grey(side)) >= DETAIL
    width, height = photo.fitted(side)
    scale = width / photo.width
    rows, columns = np.indices(blocks.shape) * BLOCK + BLOCK / 2
    for disc in known:
        near = np.hypot(columns - disc.x * scale, rows - disc.y * scale) < disc.radius * scale
        blocks &= ~near
    size = min(CELL * BLOCK + 2 * AROUND, width), min(CELL * BLOCK + 2 * AROUND, height)
    boxes = [_around(cell, size, (width, height)) for cell in _cells(blocks)]
    if len(boxes) * size[0] * size[1] >= width * height:
        return [whole(photo, side)]
    return [part(photo, side, box) for box in boxes]


def detail(grey: Image.Image) -> NDArray[np.float64]:
    """What each block of a picture loses at half the size, of 255; more in pictures of little
    contrast, down to a sixth."""
    coarse = grey.reduce(2).resize(grey.size, Image.Resampling.BILINEAR)
    blocks = ImageChops.difference(grey, coarse).convert("F").reduce(BLOCK)
    contrast = max(ImageStat.Stat(grey).stddev[0], CONTRAST / MOST)
    return np.asarray(blocks, dtype=np.float64) * max(1.0, CONTRAST / contrast)


def _cells(blocks: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Left and top, in px, of the cells with a block that counts."""
    rows, columns = blocks.shape
    return [
        (column * BLOCK, row * BLOCK)
        for row in range(0, rows, CELL)
        for column in range(0, columns, CELL)
        if blocks[row : row + CELL, column : column + CELL].any()
    ]


def _around(cell: tuple[int, int], size: tuple[int, int], bounds: tuple[int, int]) -> Box:
    """A box of ``size`` around a cell, moved into the picture."""
    left, top = (
        max(0, min(at - AROUND, end - long))
        for at, long, end in zip(cell, size, bounds, strict=True)
    )
    return left, top, left + size[0], top + size[1]
