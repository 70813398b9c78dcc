"""Filling in the background where a person was, out of the photo's own background.

Colours spread from what is known, from coarse to fine (pull and push, Gortler et al. 1996, "The
lumigraph", section 3.3). Texture and grain are those of the background at the mirrored place
across the nearest edge of the hole, so a soft photo gets a soft filling and a grainy one grain.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.tensors.blur import gaussian_blur, limited, reduced, resized
from facemod.tensors.grids import nearest

# What is finer than this is texture; a fraction of the side.
TEXTURE = 0.012
# What is larger than so many times a texture's usual size is an edge, and stays where it is.
TEXTURE_LIMIT = 2.5
SMALLEST = 2


def filling(image: Tensor, known: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """What is behind a person in an ``image`` [3, S, S].

    Returns the P pixels that are ``wanted`` [S, S], true or false, and not all ``known`` [H, H] in
    0..1, counted row by row, and what to see there, [3, P].
    """
    side = image.shape[-1]
    hole = wanted & (F.interpolate(1 - known[None, None].to(image), (side, side))[0, 0] > 0)
    places = hole.flatten().nonzero()[:, 0]
    small = resized(reduced(image[None], len(known)), len(known))
    seen = known[None, None].to(image)
    known = known > 0.5
    smooth = spread(small, seen)
    coarse = gaussian_blur(torch.where(seen > 0, small, smooth), TEXTURE)
    there = mirrored(places, known, side)
    fine = image.flatten(1)[:, there] - at_places(coarse, there, side)
    limit = TEXTURE_LIMIT * _usual_texture(image, coarse, known)
    return places, at_places(smooth, places, side) + limited(fine, limit)


def _usual_texture(image: Tensor, coarse: Tensor, known: Tensor) -> Tensor:
    """The usual size of what is fine in an image [3, S, S] where it is ``known`` [H, H]."""
    step = max(1, image.shape[-1] // len(known))
    samples = image[:, step // 2 :: step, step // 2 :: step][:, : len(known), : len(known)]
    sizes = (samples - coarse[0])[:, known].abs()
    return sizes.median() if sizes.numel() else sizes.sum()


def at_places(small: Tensor, places: Tensor, side: int) -> Tensor:
    """A small picture [1, 3, H, H] at pixels of the one of ``side`` px: [3, P], bilinearly."""
    rows, columns = ((2 * each + 1).to(small) / side - 1 for each in _split(places, side))
    grid = torch.stack((columns, rows), dim=-1)[None, None]
    return F.grid_sample(small, grid, padding_mode="border", align_corners=False)[0, :, 0]


def _split(places: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of pixels that are counted row by row."""
    return places.div(side, rounding_mode="floor"), places % side


def spread(colours: Tensor, weights: Tensor) -> Tensor:
    """Colours [N, 3, H, H] where ``weights`` [N, 1, H, H] is 1, continued to where it is 0."""
    if colours.shape[-1] <= SMALLEST:
        mean = (colours * weights).mean((2, 3), keepdim=True)
        mean = mean / weights.mean((2, 3), keepdim=True).clamp_min(1e-6)
        return weights * colours + (1 - weights) * mean
    share = F.avg_pool2d(weights, 2, ceil_mode=True)
    coarse = F.avg_pool2d(colours * weights, 2, ceil_mode=True) / share.clamp_min(1e-6)
    coarser = resized(spread(coarse, (share * 4).clamp_max(1)), colours.shape[-1])
    return weights * colours + (1 - weights) * coarser


def mirrored(places: Tensor, known: Tensor, side: int) -> Tensor:
    """For pixels of a picture of ``side`` px, the ones as far beyond the nearest edge of the hole.

    ``known`` [H, H], true or false, tells roughly what is no hole. Pixels are counted row by row.
    """
    if not known.any():
        return places
    count = len(known)
    here = _split(places, side)
    row, column = (each * count // side for each in here)
    # On the CPU, as not all devices can look for what is nearest.
    edges = _edges(known.cpu(), (row * count + column).cpu()).to(places.device)
    sources = []
    for each, edge in zip(here, _split(edges, count), strict=True):
        centre = (edge * side + side // 2) // count
        # What would lie outside of the picture is mirrored once more.
        beyond = (2 * centre - each) % (2 * side)
        sources.append(torch.minimum(beyond, 2 * side - 1 - beyond))
    return sources[0] * side + sources[1]


def _edges(known: Tensor, cells: Tensor) -> Tensor:
    """The nearest of ``known`` [H, H] for each of some ``cells``, many of which are the same."""
    asked = torch.zeros(known.numel(), dtype=torch.bool)
    asked[cells] = True
    (each,) = asked.nonzero(as_tuple=True)
    table = torch.zeros(known.numel(), dtype=torch.long)
    table[each] = nearest(known, each)
    return table[cells]
