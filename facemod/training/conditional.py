"""Directions that move one attribute and hold others still: the mathematics.

Raw directions come from a regression of scores on styles and drag other attributes along. What
each does when it is applied alone to one group of slots is measured; a conditional direction is
the mildest mixture of such moves whose measured effects add up to its target and to nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from facemod.training.judge import NAMES, indices
from facemod.training.recipes import Recipe

Measure = Callable[[Tensor], Tensor]
"""Styles [N, slots, dim] -> scores [N, attributes], NaN where nothing can be measured."""

SLOT_GROUPS = ((0, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 15))
GUARD_WEIGHT, OTHER_WEIGHT = 4.0, 0.25  # how strictly attributes are held still
MILDNESS = 0.02  # how much a large move of the styles costs
REGRESSION_RIDGE = 0.3  # of the mean variance of the styles


@dataclass(frozen=True)
class Effects:
    """What raw directions do when applied to one group of slots alone."""

    raw: Tensor
    """[attributes, dim]: the raw direction of each attribute."""
    table: Tensor
    """[attributes, attributes, groups]: change of the first per unit of the second's direction."""
    tried: Tensor
    """[attributes, groups], bool: which raw directions were tried in which groups."""
    precision: Tensor
    """[dim, dim]: v^T precision v says how unusual a shift v of the styles is."""


def regress(styles: Tensor, scores: Tensor, ridge: float = REGRESSION_RIDGE) -> Tensor:
    """Raw directions [attributes, dim] from styles [N, dim] and scores [N, attributes].

    Moving along one by 1 raises the predicted score by one standard deviation.
    """
    usable = ~scores.isnan().any(1)
    x, y = (t[usable].double() - t[usable].double().mean(0) for t in (styles, scores))
    covariance = x.T @ x / len(x)
    eye = torch.eye(len(covariance), dtype=x.dtype)
    slopes = torch.linalg.solve(
        covariance + ridge * covariance.diagonal().mean() * eye, x.T @ y / len(x)
    ).T
    return (slopes / slopes.square().sum(1, keepdim=True)).float()


def shrunk_precision(styles: Tensor, shrinkage: float = 0.1) -> Tensor:
    """Inverse covariance [dim, dim] of styles [N, dim], with its small variances raised."""
    covariance = torch.cov(styles.double().T)
    floor = shrinkage * covariance.diagonal().mean()
    return torch.linalg.inv(covariance + floor * torch.eye(len(covariance))).float()


class Bench:
    """Faces to try directions on, with their scores before any edit."""

    def __init__(self, measure: Measure, base: Tensor) -> None:
        """``base`` [N, slots, dim] are the styles of the faces."""
        self.measure, self.base = measure, base
        self.before = measure(base)

    def changes(self, shift: Tensor, strengths: Tensor) -> Tensor:
        """Change of each face's scores [N, attributes] by ``strengths`` [N] times ``shift``."""
        return self.measure(self.base + strengths[:, None, None] * shift) - self.before

    def slope(self, shift: Tensor) -> Tensor:
        """Mean change [attributes] per unit of ``shift`` [slots, dim].

        Every second face is moved backwards, so that curvature averages out.
        """
        signs = torch.ones(len(self.base))
        signs[1::2] = -1
        return (self.changes(shift, signs) * signs[:, None]).nanmean(0)

    def rise(self, shift: Tensor, strength: float = 1.0) -> Tensor:
        """Mean change [attributes] by ``strength`` times ``shift``."""
        return self.changes(shift, torch.full((len(self.base),), strength)).nanmean(0)


def placed(shift: Tensor, first: int, last: int, slots: int) -> Tensor:
    """``shift`` [dim] in the slots from first to last, zero in the others: [slots, dim]."""
    everywhere = shift.new_zeros(slots, len(shift))
    everywhere[first : last + 1] = shift
    return everywhere


def combine(table: Tensor, cost: Tensor, target: int, weights: Tensor) -> Tensor:
    """The mildest mixture of moves with effect 1 on the target and little on the others.

    Minimises sum_j weights_j (table c)_j^2 + c^T cost c subject to (table c)_target = 1.

    Args:
        table: [attributes, moves], the effect of each move.
        cost: [moves, moves], symmetric and positive.
        target: which attribute to move.
        weights: [attributes], how strictly each attribute is held; the target's is ignored.

    Returns:
        c, [moves].
    """
    held = weights.clone()
    held[target] = 0
    quadratic = (table.T @ (held[:, None] * table) + cost).double()
    mixture = torch.linalg.solve(quadratic, table[target].double()).float()
    return mixture / (table[target] @ mixture)


def correct(
    table: Tensor, cost: Tensor, target: int, weights: Tensor, measured: Tensor
) -> Tensor:
    """The mixture to add so that side effects ``measured`` [attributes] go away.

    Like :func:`combine`, but with no effect on the target.
    """
    held = weights.clone()
    held[target] = 0
    table, held = table.double(), held.double()
    inverse = torch.linalg.inv(table.T @ (held[:, None] * table) + cost)
    free = -inverse @ (table.T @ (held * measured))
    along = inverse @ table[target]
    return (free - along * (table[target] @ free) / (table[target] @ along)).float()


def guard_weights(recipe: Recipe) -> Tensor:
    """How strictly each attribute is held [attributes]."""
    weights = torch.full((len(NAMES),), OTHER_WEIGHT)
    weights[indices(recipe.guards)] = GUARD_WEIGHT
    weights[indices(recipe.free)] = 0
    return weights


class Moves:
    """The moves that a recipe may combine: every raw direction in every group of its slots."""

    def __init__(self, effects: Effects, slots: tuple[int, int]) -> None:
        self.effects, self.slots = effects, slots
        groups = [g for g, (a, b) in enumerate(SLOT_GROUPS) if a <= slots[1] and b >= slots[0]]
        raw = range(len(effects.raw))
        self.pairs = [(k, g) for g in groups for k in raw if effects.tried[k, g]]
        self.table = torch.stack([effects.table[:, k, g] for k, g in self.pairs], dim=1)

    def cost(self) -> Tensor:
        """[moves, moves]: how unusual combined moves make the styles; 1 for an average move."""
        unusual = self.effects.raw @ self.effects.precision @ self.effects.raw.T
        directions = torch.tensor([k for k, _ in self.pairs])
        groups = torch.tensor([g for _, g in self.pairs])
        sizes = torch.tensor([float(self._size(g)) for _, g in self.pairs])
        same = groups[:, None] == groups[None]
        cost = unusual[directions][:, directions] * same * sizes[:, None]
        return MILDNESS * cost / cost.diagonal().mean()

    def shift(self, mixture: Tensor, slots: int) -> Tensor:
        """The direction [slots, dim] of a mixture of moves."""
        total = self.effects.raw.new_zeros(slots, self.effects.raw.shape[1])
        for amount, (k, g) in zip(mixture, self.pairs, strict=True):
            first, last = self._span(g)
            total[first : last + 1] += amount * self.effects.raw[k]
        return total

    def _span(self, group: int) -> tuple[int, int]:
        first, last = SLOT_GROUPS[group]
        return max(first, self.slots[0]), min(last, self.slots[1])

    def _size(self, group: int) -> int:
        first, last = self._span(group)
        return last - first + 1


def learn(recipe: Recipe, effects: Effects, bench: Bench, *, rounds: int = 2) -> Tensor:
    """The direction [slots, dim] of one recipe, with +1 calibrated on the faces of ``bench``."""
    slots = bench.base.shape[1]
    (target,) = indices([recipe.target])
    weights, moves = guard_weights(recipe), Moves(effects, recipe.slots)
    cost = moves.cost()
    mixture = combine(moves.table, cost, target, weights)
    for _ in range(rounds):
        change = bench.slope(moves.shift(mixture, slots))
        # Far below what was predicted, the linear model is wrong, and scale is no help.
        scale = 1 / change[target].clamp(min=0.3)
        rest = correct(moves.table, cost, target, weights, scale * change)
        mixture = scale * mixture + rest
    shift = moves.shift(mixture, slots)
    for _ in range(2):
        shift = shift / bench.rise(shift)[target].clamp(0.4, 2.5)
    return shift
