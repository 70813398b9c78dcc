"""Mattes: how much of each pixel of an aligned face is person, and how much background.

A person is face, hair, neck and clothes. Who draws or segments a face knows roughly where the
person is; a guided filter (He, Sun, Tang 2013, "Guided image filtering") then follows the edges
of the picture itself.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.tensors.blur import reduced, resized
from facemod.tensors.grids import connected

# The side at which outlines are drawn, in px; those of larger faces are to be enlarged.
DRAWN = 512
# The guided filter: side of its windows' picture, their reach in its px, and its smoothness.
GUIDE, REACH, SMOOTHNESS = 128, 3, 3e-4
# A pixel is background up to the one and person from the other.
NOBODY, SOMEBODY = 0.08, 0.92
# How far the matte may move an outline that it is given, as a part of the side.
FREE = 0.025
# Below this part of the height, what neither side of the square shows is no background.
CHEST = 0.6


def matte(faces: Tensor, likely: Tensor) -> Tensor:
    """What is person: [N, 1, H, H], exactly 0 on the background and exactly 1 well inside.

    H is the side S of the faces, but at most ``DRAWN``.

    Args:
        faces: [N, 3, S, S] in [-1, 1].
        likely: [N, 1, K, K] in 0..1, roughly where the person is.
    """
    faces = reduced(faces, DRAWN)
    if (likely == 1).all():
        return torch.ones_like(faces[:, :1])
    return _along_edges(faces, settled(likely).to(faces))


def settled(likely: Tensor) -> Tensor:
    """``likely`` [N, 1, H, H] without holes, below the chin not even open ones.

    A white collar is no background, and neither is what gleams on a face.
    """
    result = likely.clone()
    for one in result[:, 0]:
        # On the CPU, which needs no kernels for what few pixels there are.
        background = (one < 0.5).cpu()
        one[(background & ~open_parts(background)).to(one.device)] = 1
    return result


def open_parts(background: Tensor) -> Tensor:
    """The parts of a ``background`` [H, H] that are some: that reach a side or the top, or reach
    both the bottom and above the chest."""
    side = len(background)
    seeds = torch.zeros(3, side, side, dtype=torch.bool)
    ways, bottom, upper = seeds
    ways[:, 0] = ways[:, -1] = ways[0] = True
    (wide,) = connected(background, ways[None])
    if torch.equal(wide, background):
        return wide
    bottom[-1] = True
    upper[: int(CHEST * side) + 1] = True
    below, above = connected(background, seeds[1:])
    return wide | (below & above)


def _along_edges(faces: Tensor, likely: Tensor) -> Tensor:
    """A rough matte [N, 1, H, H] along the edges of ``faces`` [N, 3, S, S] in [-1, 1]."""
    side = faces.shape[-1]
    guide = reduced(faces, GUIDE)
    slopes = resized(guided_slopes(guide / 2, resized(likely, guide.shape[-1])), side)
    fine = (slopes[:, :3] * faces / 2).sum(1, keepdim=True) + slopes[:, 3:]
    reach = max(1, round(FREE * likely.shape[-1]))
    most = F.max_pool2d(likely, 2 * reach + 1, 1, reach)
    least = -F.max_pool2d(-likely, 2 * reach + 1, 1, reach)
    fine = torch.maximum(torch.minimum(fine, resized(most, side)), resized(least, side))
    return ((fine - NOBODY) / (SOMEBODY - NOBODY)).clamp_(0, 1)


def guided_slopes(guide: Tensor, rough: Tensor) -> Tensor:
    """How ``rough`` [N, 1, H, W] goes with the colours of ``guide`` [N, 3, H, W] around a pixel.

    Three slopes and an offset for each pixel, [N, 4, H, W], averaged over the windows around it.
    """
    pairs = list(combinations_with_replacement(range(3), 2))
    products = torch.stack([guide[:, i] * guide[:, j] for i, j in pairs], dim=1)
    means = _box(torch.cat((guide, rough, guide * rough, products), dim=1))
    mean, rough_mean = means[:, :3], means[:, 3:4]
    entries = {
        (i, j): means[:, 7 + k] - mean[:, i] * mean[:, j] + (SMOOTHNESS if i == j else 0)
        for k, (i, j) in enumerate(pairs)
    }
    slopes = solved(entries, means[:, 4:7] - mean * rough_mean)
    offset = rough_mean - (slopes * mean).sum(1, keepdim=True)
    return _box(torch.cat((slopes, offset), dim=1))


def solved(entries: dict[tuple[int, int], Tensor], values: Tensor) -> Tensor:
    """The x [N, 3, H, W] of A x = ``values``, by Cramer's rule.

    ``entries`` [N, H, W] are those of the symmetric A (i <= j), one for each pixel.
    """
    first, second, third = (
        torch.stack([entries[min(i, j), max(i, j)] for j in range(3)], dim=1) for i in range(3)
    )
    pairs = ((second, third), (third, first), (first, second))
    crossed = [torch.linalg.cross(a, b, dim=1) for a, b in pairs]
    determinant = (first * crossed[0]).sum(1, keepdim=True)
    return torch.cat([(row * values).sum(1, keepdim=True) for row in crossed], 1) / determinant


def _box(images: Tensor) -> Tensor:
    """Means over the windows around each pixel."""
    padded = F.pad(images, (REACH,) * 4, mode="replicate")
    width = 2 * REACH + 1
    return F.avg_pool2d(F.avg_pool2d(padded, (width, 1), 1), (1, width), 1)
