"""The outlines of a person in a photo, in its reconstruction and in a decoded edit."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.faces.matte import DRAWN, matte
from facemod.models.base import Drawn
from facemod.tensors.blur import gaussian_blur, reduced, resized, smoothstep

# How far mattes differ where the outline moved.
STARTS, FULL = 0.15, 0.40
# How far around the rim that is so, and how far colours are looked for; fractions of the side.
RIM = 0.02
# The side at which colours are looked for, in px.
COLOURS = 128


class Outlines(NamedTuple):
    """Mattes [N, 1, H, H] of pictures of S px: H is S, but at most ``DRAWN``."""

    photo: Tensor
    before: Tensor
    """The reconstruction's."""
    after: Tensor
    """The decoded edit's."""
    moved: Tensor
    """In 0..1, where the last two differ, and around it."""
    seen: Tensor | float = 1.0
    """In 0..1, where people will see any of it; what happens elsewhere does not count."""

    @classmethod
    def of(cls, photo: Tensor, before: Drawn, after: Drawn) -> Outlines:
        """Of a photo's matte and two pictures of the decoder's."""
        return cls(photo, matte(*before), matte(*after), apart(before, after))

    @classmethod
    def everywhere(cls, images: Tensor) -> Outlines:
        """Where everything in images [N, 3, S, S] counts as the person."""
        all_of_it = torch.ones_like(images[:, :1])
        return cls(all_of_it, all_of_it, all_of_it, torch.zeros_like(all_of_it))

    @property
    def either(self) -> Tensor:
        """Where the decoder draws the person, before or after."""
        return torch.maximum(self.before, self.after)

    @property
    def recoloured(self) -> list[Tensor | None]:
        """For each photo [K, K] on the CPU, where its people are and no outline moves.

        None where nobody knows who is background.
        """
        found = reduced(self.photo * (1 - self.moved), COLOURS)[:, 0].cpu()
        return [None if bool((one == 1).all()) else one for one in found]

    @property
    def new(self) -> Tensor:
        """Where the edit draws what nobody stood in the photo."""
        return self.moved * (1 - self.photo)


def near(maps: Tensor, reach: float) -> Tensor:
    """The most of maps [N, 1, H, H] within a square around each place, ``reach`` times H wide."""
    steps = max(1, round(reach * maps.shape[-1]))
    window = 2 * steps + 1
    return F.max_pool2d(F.max_pool2d(maps, (window, 1), 1, (steps, 0)), (1, window), 1, (0, steps))


def apart(before: Drawn, after: Drawn) -> Tensor:
    """Where two decoded pictures differ in what is person, and around: [N, 1, H, H] in 0..1."""
    difference = near((after.person - before.person).abs().to(before.image), RIM)
    side = min(before.image.shape[-1], DRAWN)
    return resized(smoothstep(gaussian_blur(difference, RIM / 2), STARTS, FULL), side)


def rim_colours(image: Tensor, person: Tensor) -> Tensor:
    """What to add to an image [N, 3, H, H], so that no background shines through a person's rim.

    Colours of the person and of the background around a pixel explain it by its matte
    ``person`` [N, 1, H, H] (Forte 2021, arXiv 2006.14970); where the matte is 1 nothing is added.
    """
    if (person == 1).all():
        return torch.zeros_like(image)
    small, alpha = reduced(image, COLOURS), reduced(person, COLOURS)
    inside, outside = alpha.clamp_min(1e-4), (1 - alpha).clamp_min(1e-4)
    layers = torch.cat((small * inside, inside, small * outside, outside), dim=1)
    blurred = gaussian_blur(layers, RIM)
    own, around = (
        resized(part[:, :3] / part[:, 3:], image.shape[-1]) for part in blurred.split(4, dim=1)
    )
    # own + person * (image - explained) - image, with explained = person * own + ...
    return (1 - person) * (own + person * (own - around) - image)
