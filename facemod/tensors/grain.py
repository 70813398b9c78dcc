"""Telling the grain of a photo from its edges."""

from __future__ import annotations

from torch import Tensor

from facemod.tensors.blur import gaussian_blur, smoothstep

# What is larger than so many times the grain's usual size is an edge.
LIMIT = 2.5
# How far around an edge of the photo grain cannot be told from it, as a part of the side, and from
# which mean square of what is fine on, in squares of the largest grain, there is an edge: begins,
# surely.
EDGE = 0.006
ROUGH, EDGY = 0.7, 1.5


def usual_limit(grain: Tensor) -> Tensor:
    """How large grain may be, [N, 1, 1, 1], by samples [N, C, K, K] of it."""
    return LIMIT * grain.abs().flatten(1).median(1).values[:, None, None, None]


def calm(fine: Tensor, limit: Tensor) -> Tensor:
    """[N, 1, K, K] in 0..1: where what is ``fine`` [N, C, K, K] in a photo is grain and no edge.

    ``limit`` [N, 1, 1, 1] is how large grain may be.
    """
    edges = gaussian_blur(fine.square().mean(1, keepdim=True), EDGE)
    return 1 - smoothstep(edges / limit.square().clamp_min(1e-12), ROUGH, EDGY)
