"""Backgrounds to put people before: invented ones, and parts of other pictures."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.tensors.blur import gaussian_blur

PARTS, BLURRED = 0.5, 0.4  # how many are parts of other pictures, and how many of these blurred
DARK, MARKED = 0.4, 0.6  # how many of the others are dark, and how many bear marks
MARKS = 12
GRAIN = 0.02


def background(other: Tensor, rng: np.random.Generator) -> Tensor:
    """A background [1, 3, H, H] in [-1, 1], perhaps made of the picture ``other`` of that size."""
    if rng.random() < PARTS:
        return part_of(other, rng)
    result = clouds(other.shape[-1], rng)
    if rng.random() < MARKED:
        for _ in range(int(rng.integers(1, MARKS))):
            result = marked(result, rng)
    result = gaussian_blur(result, float(rng.uniform(0.003, 0.02)))
    grain = torch.from_numpy(rng.normal(0, GRAIN * rng.random(), result.shape)).to(result)
    return (result + grain).clamp(-1, 1)


def part_of(other: Tensor, rng: np.random.Generator) -> Tensor:
    """A part of a picture: one of its sides stretched, or somebody else, out of focus."""
    side = other.shape[-1]
    if rng.random() < BLURRED:
        rolled = other.roll(int(rng.integers(side // 4, 3 * side // 4)), dims=-1)
        return gaussian_blur(rolled, float(rng.uniform(0.004, 0.05)))
    width = int(rng.integers(side // 6, side // 3))
    strip = other[..., :width] if rng.random() < 0.5 else other[..., -width:]
    return F.interpolate(strip, (side, side), mode="bicubic").clamp(-1, 1)


def clouds(side: int, rng: np.random.Generator) -> Tensor:
    """Smooth colours around one that all share, [1, 3, side, side]."""
    cells = int(rng.integers(2, 12))
    light = rng.uniform(0, 0.35) if rng.random() < DARK else rng.uniform(0.3, 1)
    colours = rng.normal(light, 0.06, (1, 3, 1, 1)) + rng.normal(0, 0.12, (1, 1, cells, cells))
    colours = colours + rng.normal(0, 0.04, (1, 3, cells, cells))
    smooth = F.interpolate(torch.from_numpy(colours).float(), (side, side), mode="bicubic")
    return smooth.clamp(0, 1) * 2 - 1


def marked(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """``picture`` with a slanted bar, lamp or patch of one colour in it."""
    side = picture.shape[-1]
    at = torch.arange(side).to(picture) / side
    y, x = at[:, None] - rng.uniform(0, 1), at - rng.uniform(0, 1)
    turn = rng.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    long, wide = rng.uniform(0.02, 0.4), rng.uniform(0.01, 0.15)
    if rng.random() < 0.5:
        there = (along / long) ** 2 + (across / wide) ** 2 < 1
    else:
        there = (along.abs() < long) & (across.abs() < wide)
    colour = torch.from_numpy(rng.uniform(-1, 1, (3, 1, 1))).to(picture)
    return torch.where(there, colour, picture)
