"""Fitting the styles that shape a face to its photo: where the person has to live.

An encoder's styles hold a look-alike; a few gradient steps hold the person (Abdal et al. 2019,
Image2StyleGAN, and many since). The steps look through a 128 px preview and watch the pixels,
most of all eyes and mouth, what an identity network sees, and the outlines of brows, eyes and
mouth, without which eyes squint and mouths close. Edits stay natural only near the
styles that the mapping network makes, so the search walks along their principal axes, in standard
deviations, and each slot's difference from the style that all share is dear (Tov et al. 2021,
e4e).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.details import SHAPING
from facemod.models.wavelet.distances import identity_losses, multi_scale_l1
from facemod.models.wavelet.parts import part_loss
from facemod.models.wavelet.preview import SIDE, Viewer

RATE, WARMUP, LOWEST_RATE = 0.12, 6, 0.01
PICTURE, LIKENESS, FEATURES, EXPRESSION = 1.0, 1.0, 0.6, 0.5
NATURAL, APART = 0.003, 0.01
# Weights of places of the FFHQ square: centre and radii as parts of the side, and how much more.
EVERYWHERE = 0.6
PLACES = (
    ((0.50, 0.58), (0.22, 0.28), 1.0),  # the face
    ((0.38, 0.475), (0.09, 0.06), 2.0),  # an eye
    ((0.62, 0.475), (0.09, 0.06), 2.0),
    ((0.50, 0.745), (0.15, 0.09), 3.0),  # the mouth
)

Stepped = Callable[[], None]


@dataclass(frozen=True)
class StyleFitter:
    """What a fit of styles looks through and where natural styles are, all on one device."""

    viewer: Viewer
    mean: Tensor
    """[512]: the average style."""
    axes: Tensor
    """[512, 512]: the principal axes of natural styles, each one standard deviation long."""

    def fit(self, faces: Tensor, styles: Tensor, steps: int, stepped: Stepped) -> Tensor:
        """Styles [N, 16, 512] that show the N ``faces`` [N, 3, S, S] in [-1, 1], S >= 128.

        ``styles`` are the encoder's, from which the search starts. ``stepped`` is called after
        each step and may raise to end the search. Each face is fitted as if it were alone.
        """
        goal = Goal.of(F.interpolate(faces, (SIDE, SIDE), mode="area"))
        start = place_of(styles, self.mean, self.axes)
        shared = start.mean(1, keepdim=True).clone().requires_grad_()
        apart = (start - shared.detach()).requires_grad_()
        optimizer = torch.optim.Adam([shared, apart], lr=RATE, betas=(0.9, 0.95))
        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = rate(step, steps)
            place = shared + apart
            shown = self.viewer.draw(self.moved(styles, place))
            loss = goal.distance(self.viewer, shown) + unnatural(place, apart)
            optimizer.zero_grad(set_to_none=True)
            (len(faces) * loss).backward()
            optimizer.step()
            stepped()
        return self.moved(styles, (shared + apart).detach())

    def moved(self, styles: Tensor, place: Tensor) -> Tensor:
        """``styles`` with the early slots at a ``place`` [N, 9, 512] along the axes."""
        return torch.cat((self.mean + place @ self.axes, styles[:, SHAPING:]), dim=1)


@dataclass(frozen=True)
class Goal:
    """The photos at 128 px and how much each of their places counts."""

    faces: Tensor
    weights: Tensor

    @classmethod
    def of(cls, faces: Tensor) -> Goal:
        """The goal of showing ``faces`` [N, 3, 128, 128]."""
        return cls(faces, face_weights(SIDE).to(faces).expand(len(faces), -1, -1, -1))

    def distance(self, viewer: Viewer, pictures: Tensor) -> Tensor:
        """How far pictures are from the photos, the mean of all faces."""
        person, features = identity_losses(viewer.identity, pictures, self.faces)
        picture = multi_scale_l1(pictures, self.faces, self.weights)
        parts = part_loss(viewer.segmenter, pictures, self.faces)
        seen = PICTURE * picture + LIKENESS * person + FEATURES * features
        return seen + EXPRESSION * parts


def place_of(styles: Tensor, mean: Tensor, axes: Tensor) -> Tensor:
    """Where the early slots of ``styles`` [N, 16, 512] are along ``axes`` from ``mean``:
    [N, 9, 512], in standard deviations."""
    return (styles[:, :SHAPING] - mean) @ torch.linalg.inv(axes)


def unnatural(place: Tensor, apart: Tensor) -> Tensor:
    """What a ``place`` costs, and slots that stand ``apart`` from what they share, [N, 9, 512]."""
    return NATURAL * place.square().mean() + APART * apart.square().mean()


def face_weights(side: int) -> Tensor:
    """How much each pixel of an FFHQ square counts: [1, 1, side, side]."""
    at = (torch.arange(side) + 0.5) / side
    weights = torch.full((side, side), EVERYWHERE)
    for (x, y), (across, down), more in PLACES:
        distance = ((at - x) / across).square()[None] + ((at - y) / down).square()[:, None]
        weights = weights + more * torch.exp(-distance.square())
    return weights[None, None]


def rate(step: int, steps: int) -> float:
    """The learning rate: it rises over the first steps and falls to almost nothing."""
    falling = 0.5 + 0.5 * math.cos(math.pi * step / steps)
    return RATE * (min(1.0, (step + 1) / WARMUP) * falling + LOWEST_RATE)
