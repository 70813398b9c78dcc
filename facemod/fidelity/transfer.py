"""Edit transfer: carry the change that an edit makes over to the photo's own pixels.

With x the photo's face, r its reconstruction and r' the decoded edit, the result is x plus the
change r' - r where there is one, and x untouched elsewhere. The idea is the Neural Photo
Editor's (Brock et al. 2017, section 2): the original's detail, which no latent can hold, stays.

Where the edit moves structure (a mouth opens, a head turns), the original's detail belongs to
what was there before and would show through as a ghost. There the fine part of the residual
x - r is given up, and only its smooth part (light and colour) is kept. When most of the face
moves, as in a mix of coarse scales, that holds for all of it. What would be missed there is the
photo's grain, which is no one's feature: so much of it comes back as the decoder draws too little.

All of this holds for the person only. The decoder draws its background anew with every edit, and
none of that is carried over: where an outline moves, the person is laid over the photo's own
background, and what the edit uncovers is filled in from it (:mod:`facemod.fidelity.fill`).

What is decided about places is decided on small pictures; :mod:`facemod.fidelity.laying` then
goes over the large ones once.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.fidelity.laying import (
    Grain,
    Pictures,
    Shares,
    laid,
    sampled,
    without_grain,
)
from facemod.fidelity.leftovers import uncover
from facemod.fidelity.outlines import Outlines, near, rim_colours
from facemod.tensors.blur import gaussian_blur, limited, reduced, resized, smoothstep
from facemod.tensors.grain import calm, usual_limit

# Mean absolute change over the colour channels, on the scale of 0..1.
CHANGE_STARTS, CHANGE_FULL = 0.010, 0.035
# The same of the change's fine part, averaged over a neighbourhood.
STRUCTURE_STARTS, STRUCTURE_FULL = 0.02, 0.05
# The part of the face that moves.
MOST_STARTS, MOST_FULL = 0.30, 0.50
# The sides at which it is looked for what changes, and for what is hidden behind people, in px.
MASKS, HIDDEN = 512, 256
# Radii as fractions of the image side.
MASK_BLUR = 0.012
FINE = 0.03
NEIGHBOURHOOD = 0.025
SMOOTH = 0.10
# The face within the FFHQ square: rows, columns.
FACE = (slice(0.25, 0.85), slice(0.22, 0.78))
# So much of a person makes background stale (begins, whole), and so does a person so near, in parts
# of the side; but not where photo and edit do not differ by so much on average (begins, whole), on
# the scale of 0..1. Nothing of this is a step, so that films do not flicker.
TRACE, NEAR = (0.01, 0.06), 0.015
UNLIKE = (0.03, 0.05)
# Pixels of small pictures that enlarging looks beyond a place.
BESIDE = 2


class Transferred(NamedTuple):
    """What an edit does to N photos."""

    change: Tensor
    """What to add to them, [N, 3, S, S]."""
    gone: Tensor
    """[N, 1, H, H] in 0..1: where nothing of what is finer in a photo than these pictures belongs
    any more but its grain."""


def transfer(
    original: Tensor, reconstruction: Tensor, edited: Tensor, at: Outlines | None = None
) -> Tensor:
    """The change [N, 3, S, S] to add to ``original``, as :func:`transferred` tells it."""
    return transferred(original, reconstruction, edited, at).change


def transferred(
    original: Tensor, reconstruction: Tensor, edited: Tensor, at: Outlines | None = None
) -> Transferred:
    """What to do to ``original``; all images [N, 3, S, S] in [-1, 1].

    ``at`` says what of them is person; everything if nobody knows. The change is exactly zero
    where the edit changes (almost) nothing, on all background that it neither covers nor uncovers,
    and everywhere for a zero edit.
    """
    large = Pictures(original, reconstruction, edited)
    small = Pictures(*(reduced(picture, MASKS) for picture in large))
    at = at or Outlines.everywhere(small.original)
    change, gone = carried(large, small, at)
    uncovered = at.moved * (1 - at.after) * around(at.seen)
    if uncovered.any():
        person = reduced(torch.maximum(at.photo, at.before), HIDDEN)
        filled = uncover(change, original, person, stale(small, at), uncovered, 1 - at.after)
        gone = torch.maximum(gone, filled)
    return Transferred(change, gone)


def stale(small: Pictures, at: Outlines) -> Tensor:
    """Where the original's person hides the background: [N, 1, HIDDEN, HIDDEN] in 0..1.

    What already looks as the edit wants it can stay, whoever it belongs to.
    """
    apart = gaussian_blur(reduced(magnitude(small.edited - small.original), HIDDEN), NEAR)
    person = near(reduced(torch.maximum(at.photo, at.before), HIDDEN), NEAR)
    covered = smoothstep(reduced(at.after, HIDDEN), *TRACE)
    return smoothstep(person, *TRACE) * torch.maximum(smoothstep(apart, *UNLIKE), covered)


def carried(large: Pictures, small: Pictures, at: Outlines) -> Transferred:
    """What the edit does to the person of the ``large`` originals.

    Where that is, is decided on the ``small`` pictures, which are the same.
    """
    of_before, of_after = (
        rim_colours(picture, person)
        for picture, person in ((small.reconstruction, at.before), (small.edited, at.after))
    )
    recoloured = of_after - of_before
    drawn = small.edited - small.reconstruction
    shown = at.either * (drawn + recoloured)
    # There is nothing of the photo to keep where nobody was.
    moved = torch.maximum(structure_moved(shown, at.seen), at.new)
    changed = smoothstep(gaussian_blur(magnitude(shown), MASK_BLUR), CHANGE_STARTS, CHANGE_FULL)
    # Where outlines moved, the new person counts, and elsewhere what both agree about.
    person = (at.photo * at.either).lerp(at.after, at.moved) * around(at.seen)
    gone, recolouring = person * moved, person * torch.maximum(changed, moved)
    # The decoder draws its grain anew with every edit; the photo has grain of its own.
    coarse = without_grain(drawn, large.original.shape[-1])
    colours = recolouring * ((1 - moved) * coarse + recoloured)
    if not moved.any():
        return Transferred(laid(large, Shares(gone, gone, gone), colours, None), gone)
    residual = small.original - small.reconstruction - of_before
    smooth = of_before + smooth_part(residual, at.photo * at.before)
    grain, missing = missing_grain(large, small)
    shares = Shares(recolouring * moved, gone, gone * resized(missing, gone.shape[-1]))
    return Transferred(laid(large, shares, colours + gone * smooth, grain), gone)


def around(seen: Tensor | float) -> Tensor | float:
    """1 where something is ``seen`` [N, 1, H, H], and next to that: only there it need be laid."""
    if isinstance(seen, float):
        return seen
    return (F.max_pool2d(seen, 2 * BESIDE + 1, 1, BESIDE) > 0).to(seen)


def smooth_part(residual: Tensor, weight: Tensor) -> Tensor:
    """A residual [N, 3, S, S] blurred, as it is where ``weight`` [N, 1, S, S] is not 0."""
    layers = torch.cat((residual * weight, weight), dim=1)
    sums = gaussian_blur(layers, SMOOTH)
    return sums[:, :3] / sums[:, 3:].clamp_min(1e-4)


def missing_grain(large: Pictures, small: Pictures) -> tuple[Grain, Tensor]:
    """The photo's grain, and what share of it [N, 1, K, K] in 0..1 the edit lacks at a place.

    Edges of the original are no grain, so they leave no ghost.
    """
    side = large.original.shape[-1]
    coarse = resized(without_grain(small.original, side), side)
    grain = sampled(large.original) - sampled(coarse)
    # A face has little texture of its own.
    limit = usual_limit(face_of(grain))
    grey = resized(without_grain(small.edited.mean(1, keepdim=True), side), side)
    drawn = sampled(large.edited).mean(1, keepdim=True) - sampled(grey)
    kept = limited(grain, limit).mean(1, keepdim=True)
    there, wanted = (gaussian_blur(part.square(), NEIGHBOURHOOD) for part in (drawn, kept))
    share = (1 - there / wanted.clamp_min(1e-8)).clamp(0, 1).sqrt()
    return Grain(coarse, limit), share * calm(grain, limit)


def structure_moved(difference: Tensor, seen: Tensor | float = 1.0) -> Tensor:
    """Where a change [N, 3, S, S] moves edges and not only light: [N, 1, S, S] in 0..1.

    Everywhere if it does so in most of the face, as far as that is ``seen`` [N, 1, S, S].
    """
    fine = magnitude(difference - gaussian_blur(difference, FINE))
    moved = smoothstep(gaussian_blur(fine, NEIGHBOURHOOD), STRUCTURE_STARTS, STRUCTURE_FULL)
    share = face_of(moved * seen).mean((1, 2, 3), keepdim=True)
    return torch.maximum(moved, smoothstep(share, MOST_STARTS, MOST_FULL))


def face_of(images: Tensor) -> Tensor:
    """The face region of FFHQ squares [N, C, S, S]."""
    side = images.shape[-1]
    rows, columns = (slice(int(part.start * side), int(part.stop * side)) for part in FACE)
    return images[..., rows, columns]


def magnitude(difference: Tensor) -> Tensor:
    """Mean absolute value over colours, [N, 1, S, S], for images whose range is 2 wide."""
    return difference.abs().mean(1, keepdim=True) / 2
