"""Polish a direction by descent on what the decoder shows, where the linear response ends.

A preset's strength is a large step: what the linear response promises saturates, and what it
holds still on average moves on single faces. So the direction that solves the linear system is
only the start. It is then moved to lower, over random strengths on many faces, what it misses of
its target, what it drags along (MAIN measures most), and what it changes outside of its region.

The teacher is a small network, and a direction could learn to please it rather than to change
the face. It therefore looks at pictures that are shifted, blurred, dimmed and noisy at random, and
the direction stays short, along the axes that natural faces differ in most.
Yardstick and range are set by another network (:mod:`facemod.training.presets.directions`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.training.data import spread_faces
from facemod.training.judges.judge import NAMES, STILL, Judge, indices
from facemod.training.judges.motion import motions
from facemod.training.presets.recipes import MAIN, Recipe, region_mask, target_weights
from facemod.training.presets.studio import Studio, encoded

AXES = 128
BATCH = 8
LEARNING_RATE = 0.05  # standard deviations along an axis
WARMUP, DECAY = 10, 0.5  # steps; the last part of all steps
STRENGTHS = (0.4, 1.5)
# How firmly measures are held: those of main presets, guards, and everything else.
MAIN_HELD, GUARD_HELD, OTHER_HELD = 3.0, 1.0, 0.5
# What the parts of the loss weigh.
TARGET, HELD, ONE_BY_ONE, OUTSIDE, LENGTH = 4.0, 10.0, 0.3, 20.0, 3e-3
FARTHEST = 3.0  # changes of a single face beyond so many times the strength count as so many
# What the teacher's pictures go through: px, part of the light, values of images.
SHIFT, DIMMED, NOISE = 2, 0.1, 0.04


@dataclass(frozen=True)
class Faces:
    """Styles [N, slots, dim] and their pictures [N, 3, 128, 128]."""

    styles: Tensor
    images: Tensor

    @classmethod
    def of(cls, styles: Tensor, studio: Studio) -> Faces:
        """Render them once."""
        return cls(styles, studio.render(styles).clone())


def practice_faces(studio: Studio, real: Path, count: int, seed: int) -> Faces:
    """Random faces, a part of them near the average one, and a quarter real faces, encoded."""
    half, quarter = count // 2, count // 4
    drawn = [studio.styles(half, truncation=0.7, seed=seed),
             studio.styles(quarter, truncation=0.5, seed=seed + 1)]  # fmt: skip
    return Faces.of(torch.cat([*drawn, encoded(spread_faces(real, quarter))]), studio)


def polished(
    recipe: Recipe, start: Tensor, studio: Studio, teacher: Judge, faces: Faces, axes: Tensor,
    *, steps: int, seed: int,
) -> Tensor:  # fmt: skip
    """A better direction [slots, dim] than ``start``, in the slots of the recipe.

    ``axes`` [K, dim] are the principal axes of w that it may use, as long as their deviations.
    """
    generator = torch.Generator().manual_seed(seed)
    first, last = recipe.slots
    along = (start[first : last + 1] @ torch.linalg.pinv(axes)).requires_grad_(True)
    optimizer = torch.optim.Adam([along], LEARNING_RATE)
    held, outside = firmness(recipe), ~region_mask(recipe.region)
    target = target_weights(recipe)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(
                1, (step + 1) / WARMUP, (steps - step) / (DECAY * steps)
            )
        chosen = torch.randint(len(faces.styles), (BATCH,), generator=generator)
        strengths = signed_strengths(generator)
        before = faces.images[chosen]
        move = strengths[:, None, None] * within(along @ axes, start.shape[0], first)
        after = studio.sketch(faces.styles[chosen] + move)
        changes = seen(teacher, before, after, generator)
        loss = TARGET * F.smooth_l1_loss(changes @ target, strengths, beta=0.5)
        loss = loss + HELD * dragged_along(changes / strengths[:, None] * held)
        loss = loss + OUTSIDE * change_where(before, after, outside)
        loss = loss + LENGTH * along.square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return within((along @ axes).detach(), start.shape[0], first)


def within(move: Tensor, slots: int, first: int) -> Tensor:
    """A move of some slots [n, dim], from ``first`` on, as one of all [slots, dim]."""
    return F.pad(move, (0, 0, first, slots - first - len(move)))


def signed_strengths(generator: torch.Generator) -> Tensor:
    """Random strengths [BATCH], half of them negative."""
    low, high = STRENGTHS
    sizes = low + (high - low) * torch.rand(BATCH, generator=generator)
    return sizes * (2 * (torch.arange(BATCH) % 2) - 1)


def firmness(recipe: Recipe) -> Tensor:
    """How firmly each measure [names] is held still; what belongs to the edit is free."""
    held = torch.full((len(NAMES),), OTHER_HELD)
    held[indices(recipe.guards)] = GUARD_HELD
    held[indices(recipe.kin)] = 0
    for measure in MAIN.values():
        held[NAMES.index(measure)] = MAIN_HELD / (2 if measure in recipe.kin else 1)
    own = {*recipe.targets, *([MAIN[recipe.name]] if recipe.name in MAIN else [])}
    held[indices(own)] = 0
    return held


def dragged_along(changes: Tensor) -> Tensor:
    """The mean square of changes [N, names] of all faces together and, less, of each alone."""
    alone = changes.square().clamp(max=FARTHEST**2).mean()
    return changes.mean(0).square().mean() + ONE_BY_ONE * alone


def change_where(before: Tensor, after: Tensor, mask: Tensor) -> Tensor:
    """The mean absolute change within a mask [32, 32], over the whole picture."""
    large = F.interpolate(mask[None, None].float(), before.shape[-2:])
    return ((after - before).abs() * large).mean()


def seen(teacher: Judge, before: Tensor, after: Tensor, generator: torch.Generator) -> Tensor:
    """Changes [N, names] as the teacher sees them, on pictures disturbed alike."""
    both = disturbed(torch.cat([before, after]), generator)
    still = teacher.scores(both)
    moved = motions(before, after) / teacher.units[len(STILL) :]
    return torch.cat([still[len(before) :] - still[: len(before)], moved], dim=1)


def disturbed(images: Tensor, generator: torch.Generator) -> Tensor:
    """Images [N, 3, S, S], all shifted, dimmed and perhaps blurred alike, with noise."""
    side = images.shape[-1]
    right, down = torch.randint(2 * SHIFT + 1, (2,), generator=generator).tolist()
    padded = F.pad(images, (SHIFT,) * 4, mode="replicate")
    light, blur = torch.rand(2, generator=generator).tolist()
    images = padded[:, :, down : down + side, right : right + side]
    images = images * (1 + DIMMED * (2 * light - 1))
    images = images + NOISE * torch.randn(images.shape, generator=generator)
    if blur < 0.5:
        images = F.avg_pool2d(F.pad(images, (1,) * 4, mode="replicate"), 3, 1)
    return images
