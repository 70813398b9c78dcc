"""Photos in black and white, sepia or any other single tone, whose edits have to stay so.

In such a photo the brightness of a place tells its colour. The decoder knows coloured faces only.
"""

from __future__ import annotations

import torch
from torch import Tensor

from facemod.tensors.blur import reduced

# How many brightnesses tell the curve of tones, and the side at which they are looked at, in px.
LEVELS, SIDE = 33, 128
# Colours that differ on average by more than this from what their brightness tells, for images
# whose range is 2 wide, make a coloured photo.
TONED = 2.0 / 127.5
BRIGHTNESS = (0.299, 0.587, 0.114)  # ITU-R BT.601


def in_tones(originals: Tensor, changes: Tensor) -> Tensor:
    """``changes`` [N, 3, S, S] to add to ``originals`` in [-1, 1], in the tones of each photo.

    Those of coloured photos stay as they are, and nothing stays nothing.
    """
    curves = [tones(photo) for photo in reduced(originals, SIDE)]
    return torch.stack(
        [
            change if curve is None else _in_tones(photo, change, curve)
            for photo, change, curve in zip(originals, changes, curves, strict=True)
        ]
    )


def tones(photo: Tensor) -> Tensor | None:
    """The curve [3, LEVELS] from brightness to how colours differ from it; None for all colours.

    ``photo`` is [3, H, H] in [-1, 1].
    """
    bright = brightness(photo)
    colours = photo - bright
    level = _position(bright).round().long().flatten()
    counts = torch.bincount(level, minlength=LEVELS).to(photo)
    sums = photo.new_zeros(3, LEVELS).index_add_(1, level, colours.flatten(1))
    curve = sums / counts.clamp_min(1)
    if (colours - along(curve, bright)).abs().mean() > TONED:
        return None
    there = counts.nonzero()[:, 0]
    # Brightnesses that the photo has not are coloured as the nearest that it has.
    nearest = (torch.arange(LEVELS, device=photo.device)[:, None] - there).abs().argmin(1)
    return curve[:, there[nearest]]


def along(curve: Tensor, bright: Tensor) -> Tensor:
    """What a curve [3, LEVELS] tells of brightnesses [1, H, W] in [-1, 1]: [3, H, W]."""
    position = _position(bright[0])
    low = position.floor().long().clamp_max(LEVELS - 2)
    return torch.lerp(curve[:, low], curve[:, low + 1], position - low)


def brightness(images: Tensor) -> Tensor:
    """[..., 3, H, W] -> [..., 1, H, W]"""
    weights = images.new_tensor(BRIGHTNESS)[:, None, None]
    return (images * weights).sum(-3, keepdim=True)


def _position(bright: Tensor) -> Tensor:
    return (bright.clamp(-1, 1) + 1) * ((LEVELS - 1) / 2)


def _in_tones(photo: Tensor, change: Tensor, curve: Tensor) -> Tensor:
    before, step = brightness(photo), brightness(change)
    return step + along(curve, before + step) - along(curve, before)
