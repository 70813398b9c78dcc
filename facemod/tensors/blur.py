"""Blurs, sizes, limits and soft thresholds of pictures as tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def smoothstep(x: Tensor, start: float, full: float) -> Tensor:
    """0 up to ``start``, 1 from ``full``, a smooth S between."""
    t = ((x - start) / (full - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def gaussian_blur(images: Tensor, radius: float) -> Tensor:
    """Blur [N, C, S, S] by a Gaussian whose sigma is ``radius`` times the side.

    Wide blurs are done at a reduced size, which changes nothing that can be seen.
    """
    side = images.shape[-1]
    sigma = radius * side
    factor = max(1, int(sigma // 3))
    reduced = side // factor
    small = F.interpolate(images, (reduced, reduced), mode="area") if factor > 1 else images
    reach = max(1, round(3 * sigma / factor))
    squares = ((i * factor / sigma) ** 2 for i in range(-reach, reach + 1))
    weights = [math.exp(-0.5 * square) for square in squares]
    blurred = F.pad(small, (reach,) * 4, mode="replicate")
    for dim in (3, 2):
        blurred = weighted_sum(blurred, dim, [weight / sum(weights) for weight in weights])
    return resized(blurred, side)


def reduced(images: Tensor, side: int) -> Tensor:
    """[N, C, H, H] averaged down to ``side`` px, or as they are if they are no larger."""
    if images.shape[-1] <= side:
        return images
    if images.shape[-1] % (2 * side):
        return F.interpolate(images, (side, side), mode="area")
    # By halves it takes less than half of the time.
    rows = images[..., ::2, :] + images[..., 1::2, :]
    return reduced((rows[..., ::2] + rows[..., 1::2]).div_(4), side)


def resized(images: Tensor, side: int) -> Tensor:
    """[N, C, H, H] at another size, bilinearly."""
    if images.shape[-1] == side:
        return images
    # Channels one by one take a quarter of the time that they take together.
    planes = images.flatten(0, 1)[:, None]
    large = F.interpolate(planes, (side, side), mode="bilinear", align_corners=False)
    return large.view(*images.shape[:2], side, side)


def weighted_sum(images: Tensor, dim: int, weights: Sequence[float]) -> Tensor:
    """Correlate along one dimension; many times faster than a convolution of one column."""
    length = images.shape[dim] - len(weights) + 1
    total = images.narrow(dim, 0, length) * weights[0]
    for i, weight in enumerate(weights[1:], start=1):
        total.add_(images.narrow(dim, i, length), alpha=weight)
    return total


def limited(fine: Tensor, most: Tensor) -> Tensor:
    """``fine`` as far as it is grain: larger than ``most`` it fades, to nothing at twice as much.

    That is an edge, and an edge cut down to the size of grain would still be a line.
    """
    return fine * (2 - fine.abs() / most.clamp_min(1e-8)).clamp_(0, 1)
