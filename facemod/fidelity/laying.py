"""Laying an edit over a photo's own pixels, tile by tile, as shares of small pictures say.

Tiles where nothing happens cost nothing, and the others stay in the processor's cache.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from facemod.tensors.blur import gaussian_blur, limited, resized

# Grain is what is finer than this, a fraction of the side.
GRAIN = 0.0015
# So many samples across a picture are enough to know its grain.
SAMPLES = 256
TILE = 128


class Pictures(NamedTuple):
    """The photo's face, its reconstruction and the decoded edit, [N, 3, S, S] in [-1, 1]."""

    original: Tensor
    reconstruction: Tensor
    edited: Tensor


class Shares(NamedTuple):
    """What of the pictures to add to the photo, each [N, 1, H, H]."""

    whole: Tensor
    """Of the change that the decoder draws."""
    gone: Tensor
    """Of what the photo has and its reconstruction has not, to take away."""
    grain: Tensor
    """Of the photo's own grain."""


class Grain(NamedTuple):
    """What tells the grain of photos."""

    coarse: Tensor
    """The photos without it, [N, 3, S, S]."""
    limit: Tensor
    """How large it may be, [N, 1, 1, 1]."""


def laid(large: Pictures, shares: Shares, colours: Tensor, grain: Grain | None) -> Tensor:
    """The change [N, 3, S, S] to add to the originals: by shares, and ``colours`` [N, 3, H, H].

    It is exactly zero where these are. No share of the grain is looked at if there is none.
    """
    side = large.original.shape[-1]
    change = resized(colours, side) + 0.0
    planes = resized(torch.cat(shares, dim=1), side)
    for face, at in product(range(len(change)), _windows(side)):
        whole, gone, kept = planes[face][at].split(1)
        if not (whole.any() or gone.any()):
            continue
        photo, before, after = (picture[face][at] for picture in large)
        added = change[face][at]
        added.addcmul_(whole, after - before).addcmul_(gone, before - photo)
        if grain is not None:
            added.addcmul_(kept, limited(photo - grain.coarse[face][at], grain.limit[face]))
    return change


def _windows(side: int) -> Iterator[tuple[slice, slice, slice]]:
    starts = range(0, side, TILE)
    for row, column in product(starts, starts):
        yield slice(None), slice(row, row + TILE), slice(column, column + TILE)


def without_grain(small: Tensor, side: int) -> Tensor:
    """Pictures of ``side`` px without their grain, told by small ones [N, C, H, H]; as small."""
    factor = side / small.shape[-1]
    # Averaging down and enlarging blur already: squares of sigmas, in px of the large picture.
    done = (factor**2 - 1) / 12 + factor**2 / 6 if factor > 1 else 0.0
    return gaussian_blur(small, math.sqrt(max((GRAIN * side) ** 2 - done, 0.01)) / side)


def sampled(images: Tensor) -> Tensor:
    """Some pixels of images [N, C, S, S], [N, C, K, K]."""
    step = max(1, images.shape[-1] // SAMPLES)
    return images[..., ::step, ::step]
