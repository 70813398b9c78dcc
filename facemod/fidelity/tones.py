"""Photos in black and white, sepia or any other single tone, whose edits have to stay so.

In such a photo the brightness of a place tells its colour. The decoder knows coloured faces only,
so the photo is coloured before it is encoded, and what an edit changes is brought back to its
tones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.tensors.blur import reduced

# How many brightnesses tell the curve of tones, and the side at which they are looked at, in px.
LEVELS, SIDE = 33, 128
# Colours that differ on average by more than this from what their brightness tells, for images
# whose range is 2 wide, make a coloured photo.
TONED = 2.0 / 127.5
CONTRAST = 0.05  # of brightness, the least that tells a curve
BRIGHTNESS = (0.299, 0.587, 0.114)  # ITU-R BT.601
# How red and blue of the faces that the decoder draws at random differ from their brightness, on
# average, from black to white in nine steps.
NATURAL = (
    (0.01, 0.10, 0.19, 0.28, 0.30, 0.31, 0.29, 0.16, 0.0),
    (0.02, -0.05, -0.13, -0.20, -0.22, -0.23, -0.23, -0.14, 0.0),
)


@dataclass(frozen=True)
class Toned:
    """N photos [N, 3, S, S] in [-1, 1], and which of them are in one tone."""

    photos: Tensor
    curves: Sequence[Tensor | None]
    """Of each photo, as :func:`tones` tells it."""

    @classmethod
    def of(cls, photos: Tensor) -> Toned:
        """Photos that may be in one tone."""
        return cls(photos, [tones(photo) for photo in reduced(photos, SIDE)])

    @cached_property
    def coloured(self) -> Tensor:
        """The photos, those in one tone as bright as they are in colours that faces have.

        Codes of gray faces are far from natural ones, and edits make blue monsters of them.
        """
        if not any(curve is not None for curve in self.curves):
            return self.photos
        natural = natural_curve().to(self.photos)
        return torch.stack(
            [
                photo if curve is None else bright + along(natural, bright)
                for photo, bright, curve in zip(
                    self.photos, brightness(self.photos), self.curves, strict=True
                )
            ]
        )

    def toning(self, pictures: Tensor) -> Tensor:
        """The decoder's ``pictures`` [N, 3, S, S] of the photos, in the tones of each."""
        shown = [
            picture if curve is None else bright + along(curve, bright)
            for picture, bright, curve in zip(
                pictures, brightness(pictures), self.curves, strict=True
            )
        ]
        return torch.stack(shown)

    def keeping(self, changes: Tensor) -> Tensor:
        """``changes`` [N, 3, S, S] to add to the photos, in the tones of each.

        Those of coloured photos stay as they are, and nothing stays nothing.
        """
        if not any(curve is not None for curve in self.curves):
            return changes
        return torch.stack(
            [
                change if curve is None else _in_tones(photo, change, curve)
                for photo, change, curve in zip(self.photos, changes, self.curves, strict=True)
            ]
        )


def tones(photo: Tensor) -> Tensor | None:
    """The curve [3, LEVELS] from brightness to how colours differ from it; None for all colours.

    A ``photo`` [3, H, H] in [-1, 1] that is as bright everywhere tells no curve either.
    """
    bright = brightness(photo)
    if bright.std() < CONTRAST:
        return None
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


def natural_curve() -> Tensor:
    """From brightness to how the colours of natural faces differ from it: [3, LEVELS]."""
    red, blue = torch.tensor(NATURAL)
    green = -(BRIGHTNESS[0] * red + BRIGHTNESS[2] * blue) / BRIGHTNESS[1]
    curve = torch.stack((red, green, blue))[None]
    return F.interpolate(curve, LEVELS, mode="linear", align_corners=True)[0]


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
