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
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.fidelity.fill import filled
from facemod.fidelity.outlines import Outlines, own_colours
from facemod.tensors.blur import gaussian_blur, limited, reduced, resized, smoothstep

# Mean absolute change over the colour channels, on the scale of 0..1.
CHANGE_STARTS, CHANGE_FULL = 0.010, 0.035
# The same of the change's fine part, averaged over a neighbourhood.
STRUCTURE_STARTS, STRUCTURE_FULL = 0.02, 0.05
# The part of the face that moves.
MOST_STARTS, MOST_FULL = 0.30, 0.50
# The side at which it is looked for what changes, in px.
MASKS = 512
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
# More of a person than this makes background stale, and so does a person so near, in parts of
# the side; but not where photo and edit look alike up to a mean difference, on the scale of 0..1.
TRACE, NEAR = 0.02, 0.015
ALIKE = 0.04


def transfer(
    original: Tensor, reconstruction: Tensor, edited: Tensor, at: Outlines | None = None
) -> Tensor:
    """The change [N, 3, S, S] to add to ``original``; all images in [-1, 1], same shape.

    ``at`` says what of them is person; everything if nobody knows. The change is exactly zero
    where the edit changes (almost) nothing, on all background that it neither covers nor uncovers,
    and everywhere for a zero edit.
    """
    at = at or Outlines.everywhere(original)
    change = change_of_person(original, reconstruction, edited, at)
    kept = at.photo * at.either * change
    if not at.moved.any():
        return kept
    background = filled(original, ~stale(original, edited, at), (at.moved > 0) & (at.after < 1))
    laid = at.after * (original + change) + (1 - at.after) * background - original
    return kept + at.moved * (laid - kept)


def stale(original: Tensor, edited: Tensor, at: Outlines) -> Tensor:
    """Where the person of the original [N, 3, S, S] hides the background: [N, 1, S, S], true.

    What already looks as the edit wants it can stay, whoever it belongs to.
    """
    here, there, after = (reduced(part, MASKS) for part in (original, edited, at.after))
    person = reduced(torch.maximum(at.photo, at.before), MASKS)
    reach = max(1, round(NEAR * person.shape[-1]))
    near = F.max_pool2d(person, 2 * reach + 1, 1, reach)
    unlike = gaussian_blur(magnitude(there - here), NEAR)
    hidden = (near > TRACE) & ((unlike > ALIKE) | (after > TRACE))
    return F.interpolate(hidden.to(original), original.shape[-2:]) > 0


def change_of_person(
    original: Tensor, reconstruction: Tensor, edited: Tensor, at: Outlines
) -> Tensor:
    """What the edit adds to the person of the original, all [N, 3, S, S]."""
    drawn, wanted = own_colours(reconstruction, at.before), own_colours(edited, at.after)
    difference = wanted - drawn
    shown = reduced(at.either * difference, MASKS)
    # There is nothing of the photo to keep where nobody was.
    side = original.shape[-1]
    moved = torch.maximum(resized(structure_moved(shown), side), at.new)
    changed = smoothstep(gaussian_blur(magnitude(shown), MASK_BLUR), CHANGE_STARTS, CHANGE_FULL)
    changed = torch.maximum(resized(changed, side), moved)
    # The decoder draws its grain anew with every edit; the photo has grain of its own.
    smoother = gaussian_blur(difference, GRAIN)
    change = changed * smoother.lerp(difference, moved)
    residual = original - drawn
    detail = residual - smooth_part(residual, at.photo * at.before)
    return change + moved * (missing_grain(original, wanted) - detail)


def smooth_part(residual: Tensor, weight: Tensor) -> Tensor:
    """A residual [N, 3, S, S] blurred, as it is where ``weight`` [N, 1, S, S] is not 0."""
    layers = torch.cat((residual * weight, weight), dim=1)
    sums = gaussian_blur(reduced(layers, MASKS), SMOOTH)
    return resized(sums[:, :3] / sums[:, 3:].clamp_min(1e-4), residual.shape[-1])


def missing_grain(original: Tensor, edited: Tensor) -> Tensor:
    """The original's grain [N, 3, S, S], as much as ``edited`` lacks at each place.

    Edges of the original are cut down to the size of grain, so they leave no ghost.
    """
    grey = edited.mean(1, keepdim=True)
    grain, drawn = (image - gaussian_blur(image, GRAIN) for image in (original, grey))
    usual = grain[..., ::4, ::4].abs().flatten(1).median(1).values[:, None, None, None]
    grain = limited(grain, GRAIN_LIMIT * usual)
    there, wanted = (
        gaussian_blur(reduced(part.square(), MASKS), NEIGHBOURHOOD)
        for part in (drawn, grain.mean(1, keepdim=True))
    )
    share = (1 - there / wanted.clamp_min(1e-8)).clamp(0, 1).sqrt()
    return resized(share, original.shape[-1]) * grain


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
