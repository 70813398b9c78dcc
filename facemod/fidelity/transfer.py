"""Edit transfer: carry the change that an edit makes over to the photo's own pixels.

With x the photo's face, r its reconstruction and r' the decoded edit, the result is x plus the
change r' - r where there is one, and x untouched elsewhere. The idea is the Neural Photo
Editor's (Brock et al. 2017, section 2): the original's detail, which no latent can hold, stays.

Where the edit moves structure (a mouth opens, a head turns), the original's detail belongs to
what was there before and would show through as a ghost. There the fine part of the residual
x - r is given up, and only its smooth part (light and colour) is kept. When most of the face
moves, as in a mix of coarse scales, that holds for all of it. What would be missed there is the
photo's grain, which is no one's feature: so much of it comes back as the decoder draws too little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# Mean absolute change over the colour channels, on the scale of 0..1.
CHANGE_STARTS, CHANGE_FULL = 0.010, 0.035
# The same of the change's fine part, averaged over a neighbourhood.
STRUCTURE_STARTS, STRUCTURE_FULL = 0.02, 0.05
# The part of the face that moves.
MOST_STARTS, MOST_FULL = 0.30, 0.50
# Radii as fractions of the image side.
MASK_BLUR = 0.012
FINE = 0.03
NEIGHBOURHOOD = 0.025
SMOOTH = 0.10
GRAIN = 0.0015
# What is larger than so many times the grain's usual size is an edge.
GRAIN_LIMIT = 2.5
# The face within the FFHQ square: rows, columns.
FACE = (slice(0.25, 0.85), slice(0.22, 0.78))


def transfer(original: Tensor, reconstruction: Tensor, edited: Tensor) -> Tensor:
    """The change [N, 3, S, S] to add to ``original``; all images in [-1, 1], same shape.

    Exactly zero wherever the edit changes (almost) nothing, and everywhere for a zero edit.
    """
    difference = edited - reconstruction
    moved = structure_moved(difference)
    changed = smoothstep(
        gaussian_blur(magnitude(difference), MASK_BLUR), CHANGE_STARTS, CHANGE_FULL
    )
    # The decoder draws its grain anew with every edit; the photo has grain of its own.
    smoother = gaussian_blur(difference, GRAIN)
    difference = smoother + moved * (difference - smoother)
    residual = original - reconstruction
    detail = residual - gaussian_blur(residual, SMOOTH)
    change = torch.maximum(changed, moved) * difference - moved * detail
    return change + moved * missing_grain(original, edited)


def missing_grain(original: Tensor, edited: Tensor) -> Tensor:
    """The original's grain [N, 3, S, S], as much as ``edited`` lacks at each place.

    Edges of the original are cut down to the size of grain, so they leave no ghost.
    """
    grain, drawn = (image - gaussian_blur(image, GRAIN) for image in (original, edited))
    usual = grain.abs().flatten(1).median(1).values[:, None, None, None]
    grain = torch.maximum(torch.minimum(grain, GRAIN_LIMIT * usual), -GRAIN_LIMIT * usual)
    there, wanted = (
        gaussian_blur(part.square().mean(1, keepdim=True), NEIGHBOURHOOD) for part in (drawn, grain)
    )
    return (1 - there / wanted.clamp_min(1e-8)).clamp(0, 1).sqrt() * grain


def structure_moved(difference: Tensor) -> Tensor:
    """Where a change [N, 3, S, S] moves edges and not only light: [N, 1, S, S] in 0..1."""
    fine = magnitude(difference - gaussian_blur(difference, FINE))
    moved = smoothstep(gaussian_blur(fine, NEIGHBOURHOOD), STRUCTURE_STARTS, STRUCTURE_FULL)
    rows, columns = (
        slice(int(part.start * moved.shape[-1]), int(part.stop * moved.shape[-1])) for part in FACE
    )
    share = moved[..., rows, columns].mean((1, 2, 3), keepdim=True)
    return torch.maximum(moved, smoothstep(share, MOST_STARTS, MOST_FULL))


def magnitude(difference: Tensor) -> Tensor:
    """Mean absolute value over colours, [N, 1, S, S], for images whose range is 2 wide."""
    return difference.abs().mean(1, keepdim=True) / 2


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
    if factor > 1:
        blurred = F.interpolate(blurred, (side, side), mode="bilinear")
    return blurred


def weighted_sum(images: Tensor, dim: int, weights: Sequence[float]) -> Tensor:
    """Correlate along one dimension; many times faster than a convolution of one column."""
    length = images.shape[dim] - len(weights) + 1
    total = images.narrow(dim, 0, length) * weights[0]
    for i, weight in enumerate(weights[1:], start=1):
        total.add_(images.narrow(dim, i, length), alpha=weight)
    return total
