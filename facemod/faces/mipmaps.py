"""A photo at every halved size, so that small views of a large photo cost little."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.faces import affine


class Mipmaps:
    """The photo halved again and again; each level is made when it is first needed."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self._levels = [Image.fromarray(rgb)]
        self._fitted: dict[int, NDArray[np.uint8]] = {}
        self.width, self.height = self._levels[0].size

    def fitted(self, side: int) -> NDArray[np.uint8]:
        """The whole photo, scaled down so that its longer side is at most ``side`` px."""
        if side not in self._fitted:
            self._fitted[side] = self._resized(side)
        return self._fitted[side]

    def _resized(self, side: int) -> NDArray[np.uint8]:
        longer = max(self.width, self.height)
        factor = min(1.0, side / longer)
        size = (max(1, round(self.width * factor)), max(1, round(self.height * factor)))
        level = self._level(longer / side)[0]
        return np.asarray(level.resize(size, Image.Resampling.BILINEAR))

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
