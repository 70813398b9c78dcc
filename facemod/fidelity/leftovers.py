"""Uncovering background, and taking away what an outline leaves behind beside a person.

No outline holds all strands and shadows. Around what an edit uncovers, the filling goes on over
places that look unlike it, as long as they are connected; so pieces of the old hair go with it.
"""

from __future__ import annotations

import torch
from scipy import ndimage
from torch import Tensor

from facemod.fidelity.fill import filling, spread
from facemod.fidelity.outlines import near
from facemod.tensors.blur import gaussian_blur, reduced, resized, smoothstep

# How far around an uncovered place pieces may be left, as a part of the side.
AROUND = 0.03
# What the filling differs from more than this, on the scale of 0..1, seen without grain (sigma, as
# a part of the side), does not belong there.
UNLIKE, SEEN = 0.15, 0.004
# So much of a person's colour is in a place from which it is told.
OWN = 0.9
# How softly that ends, as a part of the side (sigma).
FADE = 0.012
# Less than this share of a place is not worth going on from.
UNCOVERED = 0.3


def uncover(
    change: Tensor,
    photos: Tensor,
    person: Tensor,
    hidden: Tensor,
    uncovered: Tensor,
    free: Tensor,
) -> Tensor:
    """Let ``change`` [N, 3, S, S] show background where an edit uncovers it, in place.

    Args:
        change: what is added to the ``photos`` [N, 3, S, S].
        person: [N, 1, H, H] in 0..1, where people are in the photos.
        hidden: [N, 1, H, H], true where the background of the photos is hidden.
        uncovered: [N, 1, K, K] in 0..1.
        free: [N, 1, K, K] in 0..1, where nobody stands after the edit.

    Returns:
        How much of each place is filling, [N, 1, K, K] in 0..1.
    """
    side, size = hidden.shape[-1], photos.shape[-1]
    begun = hidden & (reduced(uncovered, side) > UNCOVERED)
    around = (near(begun.to(change), AROUND) > 0) & ~islands(hidden, begun)
    known, small = ~(hidden | around), reduced(photos, side)
    share = uncovered * resized(hidden.to(change), uncovered.shape[-1])
    smooth = spread(small, known.to(small)) - small
    for i, (photo, apart) in enumerate(zip(small, smooth, strict=True)):
        left = leftovers(apart, owned(photo, apart, person[i, 0]), begun[i, 0], around[i, 0])
        share[i] = torch.maximum(share[i], resized(left, share.shape[-1])[0] * free[i])
    weights = resized(share, size)[:, 0]
    for added, photo, seen, weight in zip(change, photos, known[:, 0], weights, strict=True):
        places, colours = filling(photo, seen, weight > 0)
        behind = weight.flatten()[places] * (colours - photo.flatten(1)[:, places])
        added.flatten(1).index_add_(1, places, behind)
    return share


def islands(hidden: Tensor, begun: Tensor) -> Tensor:
    """What is not ``hidden`` and all near to what is ``begun``, both [N, 1, H, H]; true or false.

    Little of a background is better than nothing of it.
    """
    far = near(begun.float(), AROUND) == 0
    found = torch.zeros_like(hidden)
    for island, seen, away in zip(found[:, 0], ~hidden[:, 0], far[:, 0], strict=True):
        labels, count = ndimage.label(seen.cpu().numpy())
        parts = torch.from_numpy(labels).to(hidden.device)
        large = torch.zeros(count + 1, dtype=torch.bool, device=hidden.device)
        large[parts[away & seen].unique()] = True
        island.copy_(seen & ~large[parts])
    return found


def owned(photo: Tensor, apart: Tensor, person: Tensor) -> Tensor:
    """Where a photo [3, H, H] has the colours of its ``person`` [H, H] near by: [H, H], true.

    More so than those of the filling, which differs from it by ``apart`` [3, H, H].
    """
    seen, other = (gaussian_blur(x[None], SEEN) for x in (photo, apart))
    own = spread(seen, (person > OWN)[None, None].to(photo))
    return (own - seen).abs().mean(1)[0] < other.abs().mean(1)[0]


def leftovers(apart: Tensor, own: Tensor, begun: Tensor, around: Tensor) -> Tensor:
    """Where pieces are left ``around`` [H, H] what is ``begun`` [H, H]: [1, 1, H, H] in 0..1.

    ``own`` [H, H] is true where colours are a person's; ``apart`` [3, H, H] is how the filling
    differs from the photo, whose range is 2 wide.
    """
    unlike = (gaussian_blur(apart[None], SEEN).abs().mean(1)[0] / 2 > UNLIKE) & own & around
    labels, count = ndimage.label((unlike | begun).cpu().numpy(), structure=[[1] * 3] * 3)
    touching = torch.zeros(count + 1, dtype=torch.bool)
    found = torch.from_numpy(labels)
    touching[found[begun.cpu()].unique()] = True
    kept = touching[found].to(around.device) & unlike
    fading = smoothstep(gaussian_blur(around[None, None].to(apart), FADE), 0.5, 1.0)
    return gaussian_blur(near(kept[None, None].to(apart), 2 * SEEN), SEEN) * fading
