"""Learn the presets from how the decoder's pictures respond to its slots.

    python -m facemod.training.directions presets --response response.safetensors \\
        --preview preview.safetensors --judge judge.safetensors

Three things are asked of a direction at once: that it raises its target, that it leaves its
guards and the pixels outside of its region alone, and that it is short among natural faces (in
the *whitened* space of w, slot group by slot group). With a linear response
(:mod:`facemod.training.response`) that is one small linear system. The scale, and with it the
natural range, comes from a second network that had no part in the learning. What a step leaves in
the folder ``work`` is used again: the two networks and the response.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.latent.presets import FAMILY, LEVEL_TENSOR, SUFFIX, TENSOR
from facemod.models.wavelet.decoder import SLOTS
from facemod.models.weights import save_weights
from facemod.training import attributes
from facemod.training.judge import NAMES, Judge, indices
from facemod.training.recipes import PERSON, RECIPES, REGIONS, Recipe
from facemod.training.response import GROUPS, THUMB, Response, fit, placed
from facemod.training.studio import Studio, needs_exact
from facemod.training.teach_attributes import teach

TRUNCATION = 0.7
# Whitened length, per group of slots, at which faces begin to fall apart: the natural range ends.
LONGEST = 4.8
# A preset whose range would end before this strength does not work.
SHORTEST_RANGE = 0.9
SMALLEST_GAIN = 0.05
SMALLEST_EFFECT = 0.02  # standard deviations; smaller changes are not worth telling
SOURCE = (
    "linear response of decoder samples to their slots, scored by a CNN (CelebA, UTKFace), light "
    "and motion; guards held softly; scaled by a second CNN taught by other photos"
)


@dataclass(frozen=True)
class Problem:
    """One recipe in coordinates: steps along the axes of the slot groups that it may move."""

    recipe: Recipe
    groups: tuple[int, ...]
    slopes: Tensor
    """[steps, names]"""
    target: Tensor
    """[steps], the response of the weighted mean of the targets."""
    held: Tensor
    """[names], how firmly each measure is held."""
    outside: Tensor
    """[steps, steps], the mean square of what changes outside of the region."""

    @classmethod
    def of(cls, recipe: Recipe, response: Response) -> Problem:
        first, last = recipe.slots
        groups = tuple(g for g, (a, b) in enumerate(GROUPS) if first <= a and b <= last)
        slopes = response.slopes[list(groups)].flatten(0, 1)
        thumbs = response.thumbs[list(groups)].flatten(0, 1)
        elsewhere = thumbs[:, :, ~region_mask(recipe.region)].flatten(1)
        square = elsewhere @ elsewhere.T / max(elsewhere.shape[1], 1)
        return cls(recipe, groups, slopes, slopes @ target_weights(recipe), guarded(recipe), square)

    def solve(self) -> Tensor:
        """The steps [groups, K] that raise the target by one at the least cost."""
        recipe = self.recipe
        cost = torch.eye(len(self.slopes))
        cost = cost + recipe.firmness * (self.slopes * self.held) @ self.slopes.T
        cost = cost + recipe.locality * self.outside
        towards = torch.linalg.solve(cost, self.target)
        return (towards / (self.target @ towards)).unflatten(0, (len(self.groups), -1))


def region_mask(name: str) -> Tensor:
    """Where a preset may change pixels, bool [32, 32]."""
    mask = torch.zeros(THUMB, THUMB, dtype=torch.bool)
    for left, top, right, bottom in REGIONS[name]:
        mask[top:bottom, left:right] = True
    return mask


def target_weights(recipe: Recipe) -> Tensor:
    """[names]; their product with changes is the change of the target."""
    weights = torch.zeros(len(NAMES))
    weights[indices(recipe.targets)] = torch.tensor([*recipe.targets.values()]).float()
    return weights / weights.abs().sum()


def guarded(recipe: Recipe) -> Tensor:
    """[names], 1 for guards, 2 for those that make a person, 0 for the rest."""
    held = torch.zeros(len(NAMES))
    held[indices(recipe.guards)] = 1
    held[indices(set(recipe.guards) & set(PERSON))] = 2
    return held


def effect(studio: Studio, judge: Judge, direction: Tensor, faces: int, seed: int) -> Tensor:
    """The change [names] that strength 1 of ``direction`` [slots, dim] makes, on average."""
    exact = needs_exact(int(direction.any(1).nonzero().max()))
    base = studio.styles(faces // 2 if exact else faces, truncation=TRUNCATION, seed=seed)
    down, up = (studio.render(base + sign * direction, exact=exact) for sign in (-1, 1))
    return judge.changes(down, up).mean(0) / 2


@dataclass(frozen=True)
class Learnt:
    """A direction [slots, dim] of strength 1, its judged effects [names], and its range."""

    direction: Tensor
    effects: Tensor
    range: tuple[float, float]

    @property
    def works(self) -> bool:
        return max(-self.range[0], self.range[1]) >= SHORTEST_RANGE


def learn(
    recipe: Recipe, response: Response, studio: Studio, judge: Judge, faces: int, seed: int
) -> Learnt:
    """Solve a recipe, and scale the solution by what the judge sees on fresh faces."""
    problem = Problem.of(recipe, response)
    steps = problem.solve()
    direction = placed(steps, response.axes, problem.groups, SLOTS)
    judged = effect(studio, judge, direction, faces, seed + 2)
    gain = max(float(judged @ target_weights(recipe)), SMALLEST_GAIN)
    end = LONGEST * len(steps) ** 0.5 * gain / float(steps.norm())
    low, high = max(recipe.range[0], -end), min(recipe.range[1], end)
    return Learnt(direction / gain, judged / gain, (round(low, 1), round(high, 1)))


def level_of(recipe: Recipe, response: Response, direction: Tensor) -> tuple[Tensor, float]:
    """The measure [slots, dim] of the target, and what it gives for the average face.

    It reads the coordinates of each slot along the axes and adds up what the response says that
    they do; the unit is such that strength 1 raises the level by 1.
    """
    slopes = response.slopes @ target_weights(recipe)
    reading = response.axes / response.axes.square().sum(1, keepdim=True)
    level = torch.zeros_like(direction)
    for (first, last), slope in zip(GROUPS, slopes, strict=True):
        level[first : last + 1] = slope @ reading / (last - first + 1)
    level /= (level * direction).sum()
    return level, float((level @ response.centre).sum())


def write(recipe: Recipe, response: Response, learnt: Learnt, path: Path, seed: int) -> None:
    """Write one preset file with its measured facts."""
    effects = {
        name: round(change, 3)
        for name, change in zip(NAMES, learnt.effects.tolist(), strict=True)
        if abs(change) >= SMALLEST_EFFECT
    }
    direction = learnt.direction.half().float()
    level, centre = level_of(recipe, response, direction)
    facts = {key: getattr(recipe, key) for key in ("name", "meaning", "panel", "slots")}
    facts["range"] = learnt.range
    facts |= {"family": FAMILY, "guards": recipe.guards, "effects": effects}
    facts |= {"source": f"{SOURCE}; seed {seed}", "level_centre": centre}
    save_weights(path, {TENSOR: direction, LEVEL_TENSOR: level}, facts)


def chosen_recipes(names: Sequence[str]) -> list[Recipe]:
    """The recipes called so, or all; InputError for an unknown one."""
    recipes = [r for r in RECIPES if not names or r.name in names]
    if len(recipes) < len(set(names)):
        raise InputError(f"--only {' '.join(names)}: not all of these have a recipe")
    return recipes


def open_instruments(args: argparse.Namespace) -> tuple[Response, Studio, Judge, Judge]:
    """The response, the studio, the judge that taught and the independent one; made if missing."""
    args.work.mkdir(parents=True, exist_ok=True)
    sources = (args.celeba, args.labels, args.utk)
    taught, judging = args.work / f"attributes{SUFFIX}", args.work / f"judge{SUFFIX}"
    if not taught.exists():
        teach(taught, *sources, build="plain", half_used=0, seed=args.seed)
    if not judging.exists():
        teach(judging, *sources, build="residual", half_used=1, seed=args.seed + 1)
    studio, measured = Studio(args.preview), args.work / f"response{SUFFIX}"
    if not measured.exists():
        fit(studio, Judge(attributes.load(taught)), seed=args.seed).save(measured)
    response = Response.load(measured)
    teacher, judge = (Judge(attributes.load(x), response.unit_of()) for x in (taught, judging))
    return response, studio, teacher, judge


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The arguments of :func:`open_instruments`."""
    parser.add_argument("--work", type=Path, required=True, help="intermediate results")
    parser.add_argument("--preview", type=Path, required=True, help="weights of the preview head")
    parser.add_argument("--celeba", type=Path, help="packed faces")
    parser.add_argument("--labels", type=Path, help="CSV of CelebA's attributes")
    parser.add_argument("--utk", type=Path, help="packed faces")
    parser.add_argument("--seed", type=int, default=0)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the preset files go")
    add_sources(parser)
    parser.add_argument("--faces", type=int, default=14, help="to measure each preset on")
    parser.add_argument("--only", nargs="*", default=[], help="names of presets; default all")
    args = parser.parse_args()
    recipes = chosen_recipes(args.only)
    response, studio, _, judge = open_instruments(args)
    for recipe in sorted(recipes, key=lambda recipe: needs_exact(recipe.slots[1])):
        learnt = learn(recipe, response, studio, judge, args.faces, args.seed)
        print(recipe.name, *told(learnt), flush=True)
        if learnt.works:
            write(recipe, response, learnt, args.folder / f"{recipe.name}{SUFFIX}", args.seed)


def told(learnt: Learnt) -> list[str]:
    """One line about a preset: its range and what it moves most."""
    most = sorted(zip(NAMES, learnt.effects.tolist(), strict=True), key=lambda item: -abs(item[1]))
    verdict = "" if learnt.works else "(does not work)"
    return [verdict, f"{learnt.range}", *(f"{name} {change:+.2f}" for name, change in most[:9])]


if __name__ == "__main__":
    main()
