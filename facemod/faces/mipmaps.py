"""A photo at every halved size, so that small views of a large photo cost little."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.faces import affine

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""


class Mipmaps:
    """The photo halved again and again; each level is made when it is first needed."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self._levels = [Image.fromarray(rgb)]
        self.width, self.height = self._levels[0].size

    def fitted(self, side: int) -> tuple[int, int]:
        """Width and height of the whole photo with its longer side at most ``side`` px."""
        factor = min(1.0, side / max(self.width, self.height))
        return max(1, round(self.width * factor)), max(1, round(self.height * factor))

    def part(self, side: int, box: Box | None = None) -> NDArray[np.uint8]:
        """The part ``box`` of the photo scaled down to ``side`` px, or all of it."""
        size = self.fitted(side)
        left, top, right, bottom = box or (0, 0, *size)
        level = self._level(max(self.width, self.height) / side)[0]
        x, y = level.width / size[0], level.height / size[1]
        return np.asarray(
            level.resize(
                (right - left, bottom - top),
                Image.Resampling.BILINEAR,
                box=(left * x, top * y, right * x, bottom * y),
            )
        )

    def grey(self, side: int) -> Image.Image:
        """The photo scaled down to ``side`` px, without its colours."""
        level = self._level(max(self.width, self.height) / side)[0].convert("L")
        return level.resize(self.fitted(side), Image.Resampling.BILINEAR)

    def square(self, matrix: affine.Matrix, size: int) -> NDArray[np.uint8]:
        """The view [size, size, 3] that ``matrix`` cuts out; black outside of the photo."""
        level, factor = self._level(affine.scale(matrix))
        to_level = affine.rescaled(matrix, np.zeros(2), np.full(2, 1 / factor))
        view = level.transform(
            (size, size),
            Image.Transform.AFFINE,
            affine.pillow_coefficients(to_level),
            Image.Resampling.BILINEAR,
        )
        return np.asarray(view)

    def _level(self, reduction: float) -> tuple[Image.Image, int]:
        """The smallest level not reduced by more than ``reduction``, and its reduction."""
        smallest = int(math.log2(min(self.width, self.height)))
        wanted = min(smallest, int(math.log2(max(1.0, reduction))))
        while len(self._levels) <= wanted:
            self._levels.append(self._levels[-1].reduce(2))
        return self._levels[wanted], 2**wanted
