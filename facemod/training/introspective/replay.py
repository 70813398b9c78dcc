"""A pool of earlier fakes, so that the encoder does not forget what they looked like."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

POOL, LARGE_POOL = 200, 100
LARGE_LEVEL = 6  # 256 px


class ImagePool:
    """Shrivastava et al. (2017): each fake is, at evens, exchanged for an earlier one."""

    def __init__(self) -> None:
        self.images: list[Tensor] = []

    def exchanged(self, images: Tensor, capacity: int, rng: np.random.Generator) -> Tensor:
        """The fakes [N, 3, R, R], about half of them earlier ones once the pool is full.

        Images of another resolution are forgotten.
        """
        if self.images and self.images[0].shape != images.shape[1:]:
            self.images = []
        return torch.stack([self._exchange(image, capacity, rng) for image in images])

    def _exchange(self, image: Tensor, capacity: int, rng: np.random.Generator) -> Tensor:
        if len(self.images) < capacity:
            self.images.append(image)
            return image
        if rng.random() < 0.5:
            return image
        place = rng.integers(len(self.images))
        earlier, self.images[place] = self.images[place], image
        return earlier


def pool_size(level: int) -> int:
    """How many images the pool of a level holds."""
    return LARGE_POOL if level >= LARGE_LEVEL else POOL
