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


class Outlines(NamedTuple):
    """Mattes [N, 1, S, S]."""

    photo: Tensor
    before: Tensor
    """The reconstruction's."""
    after: Tensor
    """The decoded edit's."""
    moved: Tensor
    """In 0..1, where the last two differ, and around it."""

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
    def new(self) -> Tensor:
        """Where the edit draws what nobody stood in the photo."""
        return self.moved * (1 - self.photo)


def apart(before: Drawn, after: Drawn) -> Tensor:
    """Where two decoded pictures differ in what is person, and around: [N, 1, S, S] in 0..1."""
    difference = (after.person - before.person).abs().to(before.image)
    reach = round(RIM * difference.shape[-1])
    near = F.max_pool2d(difference, 2 * reach + 1, 1, reach)
    return resized(smoothstep(gaussian_blur(near, RIM / 2), STARTS, FULL), before.image.shape[-1])


def own_colours(image: Tensor, person: Tensor) -> Tensor:
    """An image [N, 3, S, S] without the background that shines through the person's rim.

    Colours of the person and of the background around a pixel explain it by its matte (Forte
    2021, arXiv 2006.14970); where the matte is 1 the image stays as it is.
    """
    if (person == 1).all():
        return image
    small, alpha = reduced(image, DRAWN), reduced(person, DRAWN)
    inside, outside = alpha.clamp_min(1e-4), (1 - alpha).clamp_min(1e-4)
    layers = torch.cat((small * inside, inside, small * outside, outside), dim=1)
    blurred = gaussian_blur(layers, RIM)
    own, around = blurred[:, :3] / blurred[:, 3:4], blurred[:, 4:7] / blurred[:, 7:]
    explained = alpha * own + (1 - alpha) * around
    better = own + alpha * (small - explained) - small
    return torch.where(person == 1, image, image + resized(better, image.shape[-1]))
