"""Windows: parts of the picture of a model that can draw parts, at a part of the cost."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

FEATURES_SIDE = 64
"""Windows are counted on feature maps of this side, whatever the side of the picture."""
CROP = 16  # side of a window unless said otherwise
MARGIN = 2  # of which so many at each border suffer from what the window leaves out


@dataclass(frozen=True)
class Window:
    """A rectangle of the 64 px features: its top left corner and its sides."""

    top: int
    left: int
    height: int = CROP
    width: int = CROP

    def of(self, maps: Tensor) -> Tensor:
        """This part of maps [N, C, S, S], where S is a multiple of 64."""
        k = maps.shape[-1] // FEATURES_SIDE
        rows = slice(self.top * k, (self.top + self.height) * k)
        columns = slice(self.left * k, (self.left + self.width) * k)
        return maps[..., rows, columns]

    @property
    def core(self) -> Window:
        """What :meth:`inner` keeps of it, itself a window."""
        (top, bottom), (left, right) = (
            (
                start + MARGIN if start > 0 else 0,
                start + size - MARGIN if start + size < FEATURES_SIDE else FEATURES_SIDE,
            )
            for start, size in ((self.top, self.height), (self.left, self.width))
        )
        return Window(top, left, bottom - top, right - left)

    def inner(self, crop: Tensor) -> Tensor:
        """The part of a ``crop`` [N, C, k height, k width] that what lies outside cannot reach.

        The border of the whole picture has nothing outside, so it stays.
        """
        k, core = crop.shape[-1] // self.width, self.core
        top, left = core.top - self.top, core.left - self.left
        rows = slice(top * k, (top + core.height) * k)
        columns = slice(left * k, (left + core.width) * k)
        return crop[..., rows, columns]


def window_around(mask: Tensor) -> Window:
    """The smallest window whose inner part covers a mask [64, 64] that is not empty."""
    (top, bottom), (left, right) = (
        (max(0, int(at.min()) - MARGIN), min(FEATURES_SIDE, int(at.max()) + MARGIN + 1))
        for at in torch.nonzero(mask, as_tuple=True)
    )
    return Window(top, left, bottom - top, right - left)
