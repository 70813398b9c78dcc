"""Presets from examples: what tells some faces from others, in the space of their codes.

Everything is linear and small, so that it works on a handful of photos: codes are read as
coordinates along the principal axes of natural faces, a ridge regression finds what predicts the
labels, and the shortest move that raises the prediction becomes the direction (the idea of
InterFaceGAN, Shen et al. 2020, in whitened coordinates). Guards are presets whose level the move
leaves where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facemod.errors import UsageError

AXES = 64
# Ridges that are tried, as multiples of the mean variance of the coordinates.
RIDGES = (0.1, 1.0, 10.0, 100.0, 1000.0)
FEWEST = 2
FIRMNESS = 100.0


@dataclass(frozen=True)
class Space:
    """Coordinates of codes: one set of axes per range of slots.

    ``axes`` [K, dim] are those of natural faces, as long as their standard deviations, around
    ``centre`` [dim]; each of ``ranges`` holds the slots that are read and moved together.
    """

    axes: Tensor
    centre: Tensor
    ranges: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, natural: Tensor, ranges: Sequence[Sequence[int]]) -> Space:
        """The space of ``natural`` styles [N, slots, dim]."""
        styles = natural.mean(1)
        centre = styles.mean(0)
        _, sizes, axes = torch.linalg.svd(styles - centre, full_matrices=False)
        sizes = sizes[:AXES] / len(styles) ** 0.5
        kept = sizes > 1e-4 * sizes[0]
        used = tuple(tuple(slots) for slots in ranges if slots)
        return cls(sizes[kept, None] * axes[:AXES][kept], centre, used)

    def read(self, styles: Tensor) -> Tensor:
        """Styles [N, slots, dim] -> coordinates [N, ranges * K]."""
        reading = (self.axes / self.axes.square().sum(1, keepdim=True)).T
        parts = [(styles[:, list(slots)].mean(1) - self.centre) @ reading for slots in self.ranges]
        return torch.cat(parts, dim=1)

    def move(self, steps: Tensor, slots: int) -> Tensor:
        """Steps [ranges * K] as a direction [slots, dim]."""
        direction = torch.zeros(slots, self.axes.shape[1])
        for part, chosen in zip(steps.chunk(len(self.ranges)), self.ranges, strict=True):
            direction[list(chosen)] = part @ self.axes
        return direction

    def measure(self, weights: Tensor, slots: int) -> Tensor:
        """The [slots, dim] whose product with styles is, but for a constant, ``read @ weights``."""
        reading = self.axes / self.axes.square().sum(1, keepdim=True)
        measure = torch.zeros(slots, self.axes.shape[1])
        for part, chosen in zip(weights.chunk(len(self.ranges)), self.ranges, strict=True):
            measure[list(chosen)] = part @ reading / len(chosen)
        return measure

    def effects(self, measure: Tensor) -> Tensor:
        """What each step does to a measure [slots, dim]: [ranges * K]."""
        return torch.cat([self.axes @ measure[list(slots)].sum(0) for slots in self.ranges])


@dataclass(frozen=True)
class Learnt:
    """What examples taught."""

    direction: Tensor
    """[slots, dim]"""
    level: Tensor
    """[slots, dim]"""
    level_centre: float
    agreement: float | None
    """Of cross-validated predictions with the labels: the chance that of two faces with unequal
    labels the right one scores higher. None with too few faces to tell."""


def learn(styles: Tensor, labels: Tensor, natural: Tensor, space: Space, guards: Tensor) -> Learnt:
    """A direction along which natural faces gain one standard deviation of what labels tell.

    Args:
        styles: the examples [N, slots, dim].
        labels: [N], any scale.
        natural: random faces [M, slots, dim], for the unit and the zero of the level.
        guards: measures [G, slots, dim] to leave alone.

    Raises:
        UsageError: too few examples, or all with the same label.
    """
    if len(styles) < FEWEST or labels.std() == 0:
        raise UsageError("nothing to learn from: give photos that differ in what is to be learnt")
    coordinates, slots = space.read(styles), styles.shape[1]
    weights, agreement = regressed(coordinates, (labels - labels.mean()) / labels.std())
    scores = space.read(natural) @ weights
    weights = weights / scores.std()
    held = torch.stack([space.effects(guard) for guard in guards], 1) if len(guards) else None
    direction = space.move(conditional_move(weights, held), slots)
    level = space.measure(weights, slots)
    # Faces of all slots alike are what a level of 0 and the unit of 1 are about.
    centre = (level * natural).sum((1, 2)).mean()
    gain = (level * direction).sum()
    return Learnt(direction / gain, level, float(centre), agreement)


def conditional_move(wanted: Tensor, held: Tensor | None, firmness: float = FIRMNESS) -> Tensor:
    """The shortest steps [K] that raise ``wanted`` [K] by one and ``held`` [K, G] hardly."""
    cost = torch.eye(len(wanted))
    if held is not None:
        cost = cost + firmness * held @ held.T
    steps = torch.linalg.solve(cost, wanted)
    return steps / (steps @ wanted)


def regressed(coordinates: Tensor, labels: Tensor) -> tuple[Tensor, float | None]:
    """Ridge regression whose ridge leaves one out best: weights, and how well that predicts."""
    centred = coordinates - coordinates.mean(0)
    gram = centred @ centred.T
    unit = gram.diagonal().mean()
    count = len(labels)
    best = (torch.inf, torch.zeros(0), torch.zeros(0))
    for ridge in RIDGES:
        inverse = torch.linalg.inv(gram + ridge * unit * torch.eye(count))
        dual = inverse @ labels
        # Leave-one-out in closed form: the error is dual / diagonal of the inverse.
        left_out = labels - dual / inverse.diagonal()
        error = float((labels - left_out).square().mean())
        best = min(best, (error, dual, left_out), key=lambda found: found[0])
    _, dual, left_out = best
    return centred.T @ dual, agreement(left_out, labels) if count > 2 * FEWEST else None


def agreement(scores: Tensor, labels: Tensor) -> float:
    """The part of pairs with unequal labels that scores put in the right order; a tie is half."""
    wanted = (labels[:, None] - labels[None]).sign()
    found = (scores[:, None] - scores[None]).sign()
    pairs = wanted != 0
    return float(((wanted * found)[pairs] + 1).mean() / 2)
