"""How pictures respond to each slot: the mean linear effect of moving it, by finite steps.

``facemod train presets`` measures it first.

Random faces are moved a random step along the principal axes of w, in every group of slots
independently, forth and back. The difference of the two pictures, measured, is regressed on the
step: everything even in the step and all variety of faces cancels, so a thousand faces tell the
effect of hundreds of axes on every measure and on every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.training.judges.judge import LEARNT, LIGHTS, MOTIONS, NAMES, Judge
from facemod.training.presets.studio import Studio, needs_exact
from facemod.weights.files import load_weights, save_weights

# Slots that are moved together: those of one block of the decoder.
GROUPS = ((0, 0), (1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 15))
AXES = 64
FINE_AXES = 32  # of the groups that need exact, expensive pictures
STEP = 0.5  # standard deviations along each axis
TRUNCATION = 0.7
SHRINKAGE = 0.1  # of the regression, as a part of the variance of the steps
THUMB = 32  # px
PRIOR_FACES = 10_000


@dataclass(frozen=True)
class Response:
    """Effects of moving group g of slots by one standard deviation along axis k.

    ``axes`` [K, dim] are as long as their standard deviations, around ``centre`` [dim].
    ``slopes`` [G, K, names] are in the units of the judge, ``thumbs`` [G, K, 3, 32, 32] in the
    values of images. ``units`` [names] turns the raw measures of a judge into those units.
    """

    axes: Tensor
    centre: Tensor
    slopes: Tensor
    thumbs: Tensor
    units: Tensor

    def unit_of(self) -> dict[str, float]:
        """The units by name, for a :class:`Judge`."""
        return dict(zip(NAMES, self.units.tolist(), strict=True))

    def save(self, path: Path) -> None:
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        save_weights(path, state, {"names": NAMES, "groups": GROUPS}, dtype=torch.float32)

    @classmethod
    def load(cls, path: Path) -> Response:
        return cls(**load_weights(path)[0])


def principal_axes(studio: Studio, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """The strongest axes [count, dim] of w as long as their deviations, and the mean [dim]."""
    styles = studio.styles(PRIOR_FACES, truncation=1.0, seed=seed)[:, 0]
    centre = styles.mean(0)
    _, sizes, directions = torch.linalg.svd(styles - centre, full_matrices=False)
    return sizes[:count, None] / len(styles) ** 0.5 * directions[:count], centre


def placed(steps: Tensor, axes: Tensor, groups: Sequence[int], slots: int) -> Tensor:
    """Steps [..., groups, K] along the axes as moves of styles [..., slots, dim]."""
    moves = steps @ axes[: steps.shape[-1]]
    styles = moves.new_zeros(*moves.shape[:-2], slots, moves.shape[-1])
    for i, group in enumerate(groups):
        first, last = GROUPS[group]
        styles[..., first : last + 1, :] = moves[..., i, None, :]
    return styles


@torch.inference_mode()
def measured_steps(
    studio: Studio, judge: Judge, axes: Tensor, groups: Sequence[int], faces: int, seed: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random steps [N, groups, K], half the changes of scores and thumbs, and the still scores."""
    exact = needs_exact(GROUPS[groups[-1]][1])
    generator = torch.Generator().manual_seed(seed)
    steps = STEP * torch.randn(faces, len(groups), len(axes), generator=generator)
    base = studio.styles(faces, truncation=TRUNCATION, seed=seed)
    changes, thumbs, still = [], [], []
    for at in range(0, faces, 50):
        part = slice(at, at + 50)
        move = placed(steps[part], axes, groups, base.shape[1])
        down, up = (studio.render(base[part] + s * move, exact=exact) for s in (-1, 1))
        changes.append(judge.changes(down, up) / 2)
        thumbs.append(F.adaptive_avg_pool2d(up - down, THUMB) / 2)
        still.append(judge.scores(up))
        print(f"{at + len(up)} of {faces} faces moved in groups {groups}", flush=True)
    return steps, torch.cat(changes), torch.cat(thumbs), torch.cat(still)


def slopes_of(steps: Tensor, changes: Tensor) -> Tensor:
    """Ridge regression of changes [N, ...] on steps [N, groups, K] -> [groups, K, ...]."""
    x, y = steps.flatten(1), changes.flatten(1)
    gram = x.T @ x + SHRINKAGE * len(x) * STEP**2 * torch.eye(x.shape[1])
    slopes = torch.linalg.solve(gram, x.T @ y)
    return slopes.unflatten(0, steps.shape[1:]).unflatten(2, changes.shape[1:])


def fit_response(
    studio: Studio, judge: Judge, *, faces: int = 1400, fine_faces: int = 300, seed: int = 0
) -> Response:
    """Measure both halves of the decoder: coarse groups by the preview, fine ones exactly."""
    axes, centre = principal_axes(studio, AXES, seed)
    slopes = torch.zeros(len(GROUPS), AXES, len(NAMES))
    thumbs = torch.zeros(len(GROUPS), AXES, 3, THUMB, THUMB)
    coarse = [g for g, (_, last) in enumerate(GROUPS) if not needs_exact(last)]
    fine = [g for g in range(len(GROUPS)) if g not in coarse]
    for groups, count, kept in ((coarse, faces, AXES), (fine, fine_faces, FINE_AXES)):
        found = measured_steps(studio, judge, axes[:kept], groups, count, seed + 1)
        steps, changes, pictures, still = found
        slopes[groups, :kept] = slopes_of(steps, changes)
        thumbs[groups, :kept] = slopes_of(steps, pictures)
        if groups is coarse:
            spread = still.std(0) / TRUNCATION
    return in_units(Response(axes, centre, slopes, thumbs, torch.ones(len(NAMES))), spread)


def in_units(response: Response, spread: Tensor) -> Response:
    """The response with light in its ``spread`` [still] over random faces, and motion likewise.

    Motion has no value on a single picture; its deviation is the one that the response predicts.
    """
    units = response.units.clone()
    lights = slice(len(LEARNT), len(LEARNT) + len(LIGHTS))
    units[lights] = spread[lights]
    units[-len(MOTIONS) :] = response.slopes.sum(0).norm(dim=0)[-len(MOTIONS) :]
    return replace(response, slopes=response.slopes / units, units=units)
