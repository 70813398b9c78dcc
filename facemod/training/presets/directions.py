"""Learn the presets from how the decoder's pictures respond to its slots.

``facemod train presets`` runs this.

Three things are asked of a direction at once: that it raises its target, that it leaves its
guards and the pixels outside of its region alone, and that it is short among natural faces (in
the *whitened* space of w, slot group by slot group). With a linear response
(:mod:`facemod.training.presets.response`) that is one small linear system; what it finds is
polished on pictures (:mod:`facemod.training.presets.polish`), where the preview decoder shows
them. The scale and the natural range come from a second network that had no part in the learning,
on other faces. What a step leaves in the folder ``work`` is used again: the two networks and the
response.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import torch
from torch import Tensor

from facemod.errors import InputError, UsageError
from facemod.latent.presets import LEVEL_TENSOR, SUFFIX, TENSOR
from facemod.models.wavelet.decoder import SLOTS
from facemod.models.wavelet.model import FAMILY
from facemod.training.data import spread_faces
from facemod.training.judges import attributes
from facemod.training.judges.judge import NAMES, STILL, Judge, indices
from facemod.training.judges.teach_attributes import teach
from facemod.training.presets.options import PresetOptions, SourceOptions
from facemod.training.presets.polish import AXES, polished, practice_faces
from facemod.training.presets.recipes import (
    LEARNT,
    MAIN,
    PERSON,
    Recipe,
    region_mask,
    region_of,
    target_weights,
)
from facemod.training.presets.response import GROUPS, Response, fit_response, placed, principal_axes
from facemod.training.presets.studio import Studio, encoded, needs_exact
from facemod.training.settings import Tell
from facemod.weights.files import save_weights

TRUNCATION = 0.7
# Strengths that are tried, and how far, of itself, the effect may be from a strength.
TRIED = tuple(side * s / 4 for side in (-1, 1) for s in range(2, 11))
LINEAR = 0.2
SCALINGS = 3  # a direction of another length saturates elsewhere
FEW = 8
# What comes and goes at once, as glasses do, is never linear; it is used so far all the same.
LEAST_RANGE = 1.5
SMALLEST_GAIN = 0.05
SMALLEST_EFFECT = 0.02  # standard deviations; smaller changes are not worth telling
SOURCE = (
    "linear response of decoder samples to their slots, polished by descent, scored by a CNN "
    "(CelebA, UTKFace), light and motion; guards held softly; scaled by a second CNN taught by "
    "other photos"
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


def guarded(recipe: Recipe) -> Tensor:
    """[names], 1 for guards, 2 for those that make a person, 0 for the rest."""
    held = torch.zeros(len(NAMES))
    held[indices(recipe.guards)] = 1
    held[indices(set(recipe.guards) & set(PERSON))] = 2
    return held


@dataclass(frozen=True)
class Yardstick:
    """Says how strong a direction is: an independent judge, and faces that taught nothing."""

    studio: Studio
    judge: Judge
    faces: Tensor
    """Styles [N, slots, dim]."""
    few: int = FEW
    """How many of them are enough where pictures must be exact, and take long."""

    def changes(self, recipe: Recipe, direction: Tensor, strengths: Sequence[float]) -> Tensor:
        """The mean change [strengths, names] at each strength of ``direction`` [slots, dim].

        Only the half of the faces counts that has more room: who laughs cannot laugh much more.
        """
        exact = needs_exact(int(direction.any(1).nonzero().max()))
        faces = self.faces[:: max(1, len(self.faces) // self.few)] if exact else self.faces
        before = self.studio.render(faces, exact=exact)
        low = self._low(recipe, before)
        means = []
        for strength in strengths:
            after = self.studio.render(faces + strength * direction, exact=exact)
            changes = self.judge.changes(before, after)
            means.append(changes[low if strength > 0 else ~low].mean(0))
        return torch.stack(means)

    def _low(self, recipe: Recipe, pictures: Tensor) -> Tensor:
        """Which half [N] has less of the target; motion cannot be told from one picture."""
        if not set(recipe.targets) <= set(STILL):
            return torch.arange(len(pictures)) % 2 == 0
        shown = self.judge.scores(pictures) @ target_weights(recipe)[: len(STILL)]
        return shown <= shown.median()

    def effects(self, recipe: Recipe, direction: Tensor) -> Tensor:
        """What strength 1 does to each measure [names]: half of what lies between -1 and 1."""
        down, up = self.changes(recipe, direction, (-1.0, 1.0))
        return (up - down) / 2


@dataclass(frozen=True)
class Learnt:
    """A direction [slots, dim] of strength 1, and its judged effects [names]."""

    direction: Tensor
    effects: Tensor
    range: tuple[float, float]
    """How far down and up it is meant to be used."""
    linear: tuple[float, float]
    """How far down and up the effect is close to the strength."""
    works: bool


def start(recipe: Recipe, response: Response) -> Tensor:
    """The direction [slots, dim] that solves the recipe if faces respond linearly."""
    problem = Problem.of(recipe, response)
    return placed(problem.solve(), response.axes, problem.groups, SLOTS)


def calibrated(recipe: Recipe, direction: Tensor, scale: Yardstick) -> Learnt:
    """A direction with the strength that the recipe asks for, and how far it goes."""
    target = target_weights(recipe)
    for _ in range(SCALINGS):
        effects = scale.effects(recipe, direction)
        gain = max(float(effects @ target), SMALLEST_GAIN)
        direction = direction / gain
    low, high = recipe.range
    strengths = [s for s in TRIED if low <= s <= high]
    seen = scale.changes(recipe, direction, strengths) @ target
    linear = linear_range(strengths, seen.tolist())
    wide = max(low, min(linear[0], -LEAST_RANGE)), min(high, max(linear[1], LEAST_RANGE))
    return Learnt(direction, effects / gain, wide, linear, gain > SMALLEST_GAIN)


def linear_range(strengths: Sequence[float], seen: Sequence[float]) -> tuple[float, float]:
    """How far down and up the effect that was ``seen`` follows the strength."""
    share = {strength: effect / strength for strength, effect in zip(strengths, seen, strict=True)}
    ends = []
    for side in (-1, 1):
        outwards = sorted((s for s in share if s * side > 0), key=abs)
        good = takewhile(lambda s: abs(share[s] - 1) <= LINEAR, outwards)
        ends.append(max(good, key=abs, default=0.0))
    return ends[0], ends[1]


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
    ends = zip(("down", "up"), learnt.linear, strict=True)
    evidence = {f"linear within {LINEAR:.0%}, {way} to": end for way, end in ends}
    facts |= {"region": region_of(recipe), "evidence": evidence}
    save_weights(path, {TENSOR: direction, LEVEL_TENSOR: level}, facts)


def chosen_recipes(names: Sequence[str]) -> list[Recipe]:
    """The recipes called so, or all; InputError for one that is unknown or not learnt here."""
    recipes = [r for r in LEARNT if not names or r.name in names]
    if len(recipes) < len(set(names)):
        raise InputError(f"--only {' '.join(names)}: not all of these have a recipe")
    return recipes


def open_instruments(options: SourceOptions) -> tuple[Response, Studio, Judge, Judge]:
    """The response, the studio, the judge that taught and the independent one; made if missing."""
    options.work.mkdir(parents=True, exist_ok=True)
    taught, judging = options.work / f"attributes{SUFFIX}", options.work / f"judge{SUFFIX}"
    if not taught.exists():
        teach(taught, *labelled(options), build="plain", half_used=0, seed=options.seed)
    if not judging.exists():
        teach(judging, *labelled(options), build="residual", half_used=1, seed=options.seed + 1)
    studio, measured = Studio(options.preview), options.work / f"response{SUFFIX}"
    if not measured.exists():
        fit_response(studio, Judge(attributes.load(taught)), seed=options.seed).save(measured)
    response = Response.load(measured)
    teacher, judge = (Judge(attributes.load(x), response.unit_of()) for x in (taught, judging))
    return response, studio, teacher, judge


def labelled(options: SourceOptions) -> tuple[Path, Path, Path]:
    """The labelled photos that networks are taught by; UsageError if they were not named."""
    if options.celeba is None or options.labels is None or options.utk is None:
        raise UsageError(
            f"{options.work}: holds no attribute networks yet; --celeba, --labels and --utk teach "
            "them"
        )
    return options.celeba, options.labels, options.utk


def learn_presets(folder: Path, options: PresetOptions, tell: Tell) -> list[Path]:
    """Learn the presets and write those that work to ``folder``; returns their files."""
    recipes = chosen_recipes([word.strip() for word in options.only.split(",") if word.strip()])
    response, studio, teacher, judge = open_instruments(options)
    seed, written = options.seed, []
    drawn = studio.styles(options.faces, truncation=TRUNCATION, seed=seed + 2)
    real = encoded(spread_faces(options.real, options.faces, first=1))
    yardstick = Yardstick(studio, judge, torch.cat([drawn, real]))
    practice = practice_faces(studio, options.real, options.practice, seed + 3)
    axes, _ = principal_axes(studio, AXES, seed)
    for recipe in sorted(recipes, key=lambda r: (needs_exact(r.slots[1]), r.name not in MAIN)):
        direction = start(recipe, response)
        if recipe.polish:
            direction = polished(
                recipe, direction, studio, teacher, practice, axes, steps=options.steps, seed=seed
            )
        with torch.inference_mode():
            learnt = calibrated(recipe, direction, yardstick)
        tell(" ".join([recipe.name, *summary(learnt)]))
        if learnt.works:
            written.append(folder / f"{recipe.name}{SUFFIX}")
            write(recipe, response, learnt, written[-1], seed)
    return written


def summary(learnt: Learnt) -> list[str]:
    """One line about a preset: its range and what it moves most."""
    most = sorted(zip(NAMES, learnt.effects.tolist(), strict=True), key=lambda item: -abs(item[1]))
    verdict = "" if learnt.works else "(does not work)"
    return [verdict, f"{learnt.range}", *(f"{name} {change:+.2f}" for name, change in most[:9])]
