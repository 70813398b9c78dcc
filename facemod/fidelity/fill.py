"""Filling in the background where a person was, out of the photo's own background.

Colours spread from what is known, from coarse to fine (pull and push, Gortler et al. 1996, "The
lumigraph", section 3.3). Texture and grain are those of the background at the mirrored place
across the nearest edge of the hole, so a soft photo gets a soft filling and a grainy one grain.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

from facemod.tensors.blur import gaussian_blur, limited, reduced, resized

# The side at which colours spread and nearest edges are sought, in px.
SIDE = 256
# What is finer than this is texture; a fraction of the side.
TEXTURE = 0.012
# What is larger than so many times a texture's usual size is an edge, and stays where it is.
TEXTURE_LIMIT = 2.5
SMALLEST = 2
# Every so many pixels are enough to know what is usual.
SAMPLED = 16

Places = tuple[Tensor, Tensor]
"""Rows and columns of pixels."""


def filled(images: Tensor, known: Tensor, wanted: Tensor | None = None) -> Tensor:
    """``images`` [N, 3, S, S] with what is not ``known`` [N, 1, S, S] made up.

    Where ``known`` is true the images stay as they are, and so they do where ``wanted``, of the
    same shape, is not: there it is nobody's business what is behind.
    """
    side = images.shape[-1]
    seen = known.to(images)
    hole = ~known if wanted is None else ~known & wanted
    share, colours = reduced(seen, SIDE), reduced(images * seen, SIDE)
    smooth = resized(spread(colours / share.clamp_min(1e-6), (share > 0.5).to(images)), side)
    texture = _texture(torch.where(known, images, smooth), seen)
    result = images.clone()
    for one, (holes, edges) in enumerate(zip(hole[:, 0], share[:, 0] > 0.5, strict=True)):
        rows, columns = holes.nonzero(as_tuple=True)
        there = mirrored((rows, columns), edges, side)
        grain = texture[one][:, there[0], there[1]]
        result[one][:, rows, columns] = smooth[one][:, rows, columns] + grain
    return result


def _texture(images: Tensor, seen: Tensor) -> Tensor:
    """What is fine in images [N, 3, S, S], and no edge, where they are ``seen`` [N, 1, S, S]."""
    fine = (images - gaussian_blur(images, TEXTURE)) * seen
    sizes = (
        one[:, there > 0].abs()[:, ::SAMPLED] for one, there in zip(fine, seen[:, 0], strict=True)
    )
    usual = torch.stack([size.median() if size.numel() else size.sum() for size in sizes])
    return limited(fine, TEXTURE_LIMIT * usual[:, None, None, None])


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


def mirrored(place: Places, known: Tensor, side: int) -> Places:
    """For pixels of a picture of ``side`` px, the ones as far beyond the nearest edge of the hole.

    ``known`` [H, H], true or false, tells roughly what is no hole. All of it is returned as rows
    and columns, as ``place`` is given.
    """
    if not known.any():
        return place
    edges = distance_transform_edt(
        ~known.cpu().numpy(), return_distances=False, return_indices=True
    )
    row, column = (each * len(known) // side for each in place)
    sources = []
    for here, edge in zip(place, edges, strict=True):
        nearest = torch.from_numpy(edge).long().to(here.device)
        centre = (nearest[row, column] * side + side // 2) // len(known)
        # What would lie outside of the picture is mirrored once more.
        beyond = (2 * centre - here) % (2 * side)
        sources.append(torch.minimum(beyond, 2 * side - 1 - beyond))
    return sources[0], sources[1]
