"""Uncovering background, and taking away what an outline leaves behind beside a person.

No outline holds all strands and shadows. Around what an edit uncovers, the filling goes on over
places that look unlike it, as long as they are connected; so pieces of the old hair go with it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facemod.fidelity.fill import filling, spread
from facemod.fidelity.outlines import near
from facemod.tensors.blur import gaussian_blur, reduced, resized, smoothstep
from facemod.tensors.grids import connected

# How far around an uncovered place pieces may be left, as a part of the side.
AROUND = 0.03
# What is so near counts as little as that for the filling: where there is nothing else, it decides.
DOUBTED = 0.0003
# What the filling differs from more than this, on the scale of 0..1, seen without grain (sigma, as
# a part of the side), does not belong there: begins, surely.
UNLIKE, SEEN = (0.12, 0.18), 0.004
# So much of a person's colour is in a place from which it is told; and by how much nearer than the
# filling it has to be, as a part of both distances: begins, surely.
OWN, NEARER = 0.9, (-0.1, 0.2)
# How softly that ends, as a part of the side (sigma).
FADE = 0.012
# Such a share of a place that is uncovered is gone on from: begins, whole.
UNCOVERED = (0.15, 0.45)


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
        hidden: [N, 1, H, H] in 0..1, where the background of the photos is hidden.
        uncovered: [N, 1, K, K] in 0..1.
        free: [N, 1, K, K] in 0..1, where nobody stands after the edit.

    Returns:
        How much of each place is filling, [N, 1, K, K] in 0..1.
    """
    side, size = hidden.shape[-1], photos.shape[-1]
    begun = hidden * smoothstep(reduced(uncovered, side), *UNCOVERED)
    around = near(begun, AROUND)
    known, small = (1 - hidden) * (1 - (1 - DOUBTED) * around), reduced(photos, side)
    share = uncovered * resized(hidden, uncovered.shape[-1])
    smooth = spread(small, known) - small
    for i, (photo, apart) in enumerate(zip(small, smooth, strict=True)):
        left = leftovers(apart, owned(photo, apart, person[i, 0]), begun[i, 0], around[i, 0])
        share[i] = torch.maximum(share[i], resized(left, share.shape[-1])[0] * free[i])
    weights = resized(share, size)[:, 0]
    for added, photo, seen, weight in zip(change, photos, known[:, 0], weights, strict=True):
        places, colours = filling(photo, seen, weight > 0)
        behind = weight.flatten()[places] * (colours - photo.flatten(1)[:, places])
        added.flatten(1).index_add_(1, places, behind)
    return share


def owned(photo: Tensor, apart: Tensor, person: Tensor) -> Tensor:
    """Where a photo [3, H, H] has the colours of its ``person`` [H, H] near by: [H, H] in 0..1.

    More so than those of the filling, which differs from it by ``apart`` [3, H, H].
    """
    seen, other = (gaussian_blur(x[None], SEEN) for x in (photo, apart))
    own = spread(seen, (person > OWN)[None, None].to(photo)) - seen
    to_own, to_other = (difference.abs().mean(1)[0] for difference in (own, other))
    return smoothstep((to_other - to_own) / (to_other + to_own).clamp_min(1e-6), *NEARER)


def leftovers(apart: Tensor, own: Tensor, begun: Tensor, around: Tensor) -> Tensor:
    """Where pieces are left ``around`` [H, H] what is ``begun`` [H, H]: [1, 1, H, H] in 0..1.

    ``own`` [H, H] is where colours are a person's; ``apart`` [3, H, H] is how the filling differs
    from the photo, whose range is 2 wide.
    """
    size = gaussian_blur(apart[None], SEEN).abs().mean(1)[0] / 2
    unlike = smoothstep(size, *UNLIKE) * own * around
    first = begun > 0.5
    kept = connected((unlike > 0) | first, first[None])[0] * unlike
    fading = smoothstep(gaussian_blur(around[None, None], FADE), 0.5, 1.0)
    return gaussian_blur(near(kept[None, None], 2 * SEEN), SEEN) * fading
