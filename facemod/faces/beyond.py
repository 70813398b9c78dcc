"""Changes of colour that go on where the square of a face ends.

Long hair leaves the square, and its new colour must not end there. Outside of the square a pixel
changes as those pixels inside do that it is connected to by similar colours: the change spreads
by an edge-aware filter (Gastal & Oliveira 2011, "Domain transform for edge-aware image and video
processing", section 4.2), as does the background's not changing, and a guided filter follows the
photo's own edges from there. What is far from the square, or connected to nothing in it, stays.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces import affine
from facemod.faces.align import cut
from facemod.faces.face import Crop
from facemod.faces.matte import guided_slopes
from facemod.faces.regions import region_of, segment
from facemod.tensors.blur import gaussian_blur, reduced, resized, smoothstep

# The sides of the face's square and of what is looked at around it, and of that as it is put back,
# in px.
INSIDE, AROUND, FINE = 128, 256, 512
BEFORE = (AROUND - INSIDE) // 2
# How far changes spread over one colour, in px, and what difference of colours, on the scale of
# 0..1 summed over channels, counts as far as that.
REACH, UNLIKE = 40.0, 0.45
ROUNDS = 3
# So much of what a place is connected to has to be inside: where it begins, and where it is enough.
LOOSE, FIRM = 0.01, 0.06
# The last part of the way from the square to the end of what is looked at, where changes fade.
FADE = 0.6
# Strands and grain are no edges: sigma, as a part of the side.
STRANDS = 0.006
# How likely a place has to be hair to count as hair, and as nothing else: begins, whole. Between
# both, nothing is said of it.
HAIR, ELSE = (0.2, 0.5), (0.05, 0.15)
# Changes from the one size on are passed on, from the other on whole; on the scale of 0..1.
SEEN = (0.01, 0.03)

Floats = NDArray[np.float32]


def beyond(
    rgb: NDArray[np.uint8], crop: Crop, change: Floats, own: Tensor, held: Floats
) -> tuple[Crop, Floats]:
    """How a ``change`` [S, S, 3] of the crop, in units of 0..255, goes on in the photo [H, W, 3].

    Args:
        own: [K, K] in 0..1, where it recolours people and moves none of them.
        held: [S, S] in 0..1, how much of the change itself is put into the photo there; what goes
            on begins where this ends.

    Returns:
        A crop of twice the width and what to add to it, [FINE, FINE, 3].
    """
    wide = _cut_around(rgb, crop)
    fine = torch.from_numpy(wide.pixels.copy()).permute(2, 0, 1)[None].float()
    guide = reduced(fine, AROUND) / 255
    recoloured = torch.from_numpy(change).permute(2, 0, 1)[None] / 255
    hair = _hair(crop)
    is_hair = smoothstep(hair, *HAIR) * resized(own[None, None], INSIDE)
    sure = torch.maximum(is_hair, 1 - smoothstep(hair, *ELSE))
    known = reduced(recoloured, INSIDE) * is_hair
    spread = _spread(known, sure, gaussian_blur(guide, STRANDS))
    slopes = guided_slopes(guide.expand(3, -1, -1, -1), spread.transpose(0, 1))
    rest = torch.ones(1, 1, AROUND, AROUND)
    _middle(rest)[:] = 1 - reduced(torch.from_numpy(held)[None, None], INSIDE)
    large = resized(slopes * rest, FINE)
    added = (large[:, :3] * fine).sum(1) + 255 * large[:, 3]
    return wide, added.permute(1, 2, 0).contiguous().numpy()


def _hair(crop: Crop) -> Tensor:
    """How likely a crop shows hair, [1, 1, INSIDE, INSIDE] in 0..1."""
    pixels = torch.from_numpy(crop.pixels.copy()).permute(2, 0, 1)[None].float()
    return resized(region_of(segment(pixels / 127.5 - 1), ("hair",)), INSIDE)


def _cut_around(rgb: NDArray[np.uint8], crop: Crop) -> Crop:
    """A square twice as wide around the crop's."""
    side, start = FINE * INSIDE // AROUND, FINE * BEFORE // AROUND
    factors = np.full(2, side / len(crop.pixels))
    to_inside = affine.rescaled(affine.inverse(crop.matrix), np.zeros(2), factors)
    to_inside[:, 2] += start
    matrix = affine.inverse(to_inside)
    return Crop(cut(rgb, matrix, FINE), matrix, crop.face)


def _middle(maps: Tensor) -> Tensor:
    """The face's square of maps [..., AROUND, AROUND]."""
    inside = slice(BEFORE, BEFORE + INSIDE)
    return maps[..., inside, inside]


def _spread(known: Tensor, sure: Tensor, guide: Tensor) -> Tensor:
    """Changes over the ``guide`` [1, 3, AROUND, AROUND] around the square where they are known.

    ``known`` [1, 3, INSIDE, INSIDE] are they, times ``sure`` [1, 1, INSIDE, INSIDE] in 0..1.
    """
    layers = torch.zeros(1, 4, AROUND, AROUND)
    _middle(layers)[:] = torch.cat((known, sure), dim=1)
    sums = _filtered(layers, guide)
    firm = smoothstep(sums[:, 3:], LOOSE, FIRM) * _fading()
    found = sums[:, :3] / sums[:, 3:].clamp_min(1e-6) * firm
    found = found * smoothstep(found.abs().amax(1, keepdim=True), *SEEN)
    _middle(found).lerp_(known, sure)
    return found


def _fading() -> Tensor:
    """[AROUND, AROUND]: 1 up to some way from the face's square, 0 at the end."""
    at = torch.arange(AROUND) + 0.5
    away = torch.maximum(BEFORE - at, at - BEFORE - INSIDE).clamp_min(0) / BEFORE
    return 1 - smoothstep(torch.maximum(away[:, None], away), 1 - FADE, 1.0)


def _filtered(layers: Tensor, guide: Tensor) -> Tensor:
    """Layers [1, C, H, H] blurred along what looks alike in the guide, by rows and columns."""
    planes = layers[0]
    for turn in range(ROUNDS):
        reach = REACH * 3**0.5 * 2 ** (ROUNDS - turn - 1) / (4**ROUNDS - 1) ** 0.5
        for flip in (False, True):
            seen = guide[0].transpose(1, 2) if flip else guide[0]
            steps = 1 + REACH / UNLIKE * seen.diff(dim=2).abs().sum(0)
            kept = torch.exp(-(2**0.5) / reach * steps)
            planes = planes.transpose(1, 2) if flip else planes
            planes = _along(planes, kept)
            planes = planes.transpose(1, 2) if flip else planes
    return planes[None]


def _along(planes: Tensor, kept: Tensor) -> Tensor:
    """Planes [C, H, W] smoothed to and fro along rows; ``kept`` [H, W - 1] between neighbours."""
    columns, weights = list(planes.unbind(2)), kept.unbind(1)
    for i, weight in enumerate(weights, start=1):
        columns[i] = columns[i].lerp(columns[i - 1], weight)
    for i in range(len(weights) - 1, -1, -1):
        columns[i] = columns[i].lerp(columns[i + 1], weights[i])
    return torch.stack(columns, dim=2)
