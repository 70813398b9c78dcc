"""Presets from published directions of StyleGAN2's w, which is the bundled decoder's w, too.

    facemod train published presets --directions directions.npz --identity mobilefacenet.ckpt \\
        --celeba celeba.npz --labels list_attr_celeba.csv --utk utk.npz

A published direction drags other things along: age puts glasses on, gender brings a smile. Each
recipe (:mod:`facemod.training.presets.published_recipes`) says what to project out of it, which
slots it may move, and how long strength 1 is: a step that people chose by looking, or one that is
scaled until what is measured (years, degrees) changes by a round number. What strengths -1 and +1
do is measured on photos, as the command line edits them
(:mod:`facemod.training.presets.gauge`), and stands in each file. What nobody has published comes
from labels of photos (:mod:`facemod.training.presets.told`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from facemod.errors import InputError, UsageError
from facemod.faces.detect import make_detector
from facemod.latent.presets import SUFFIX, TENSOR
from facemod.models.wavelet import model as wavelet
from facemod.training.judges.identity import load_identity
from facemod.training.judges.readings import (
    UTK_NAMES,
    Labelled,
    Readings,
    celeba_labels,
    utk_label,
)
from facemod.training.presets.gauge import Gauge, corridor_drawer, drawn_faces, enlarged
from facemod.training.presets.options import PublishedOptions
from facemod.training.presets.published_directions import Directions
from facemod.training.presets.published_recipes import RECIPES, TOLD, Published
from facemod.training.presets.told import told_directions
from facemod.training.settings import Tell
from facemod.weights.files import save_weights

SMALLEST_EFFECT = 0.15  # spreads of a reading; smaller changes are not worth telling
SMALLEST_CHANGE = 0.1  # of what a unit asks for; less is no effect that could be scaled
ROUNDS, CLOSE = 6, 0.08  # of scaling, and how near to a unit is near enough


@dataclass(frozen=True)
class Made:
    """A direction [slots, dim] of strength 1, and what it does downwards and upwards."""

    direction: Tensor
    down: Mapping[str, float]
    up: Mapping[str, float]

    def share(self, unit: tuple[str, float]) -> float:
        """How much of a unit strength 1 changes, half of what lies between -1 and +1."""
        name, wanted = unit
        return (self.up[name] - self.down[name]) / 2 / wanted

    def effects(self, units: Mapping[str, float]) -> dict[str, float]:
        """What strength 1 does, half of what lies between -1 and +1, in spreads of the readings."""
        found = {n: (self.up[n] - self.down[n]) / 2 / unit for n, unit in units.items()}
        return {
            name.lower().replace("_", "-"): round(value, 2)
            for name, value in found.items()
            if abs(value) >= SMALLEST_EFFECT
        }


def made(recipe: Published, directions: Directions, gauge: Gauge) -> Made:
    """The direction of a recipe in its unit, measured.

    Raises:
        InputError: it has a unit, and does next to nothing of the kind.
    """
    direction = directions.of(recipe)
    if recipe.unit is not None:
        direction = direction * unit_length(recipe, recipe.unit, direction, gauge)
    return measured(direction, gauge)


def measured(direction: Tensor, gauge: Gauge) -> Made:
    """A direction with what it does."""
    return Made(direction, gauge.changes(-direction), gauge.changes(direction))


def unit_length(
    recipe: Published, unit: tuple[str, float], direction: Tensor, gauge: Gauge
) -> float:
    """How many times ``direction`` is what the unit wants, at the strength where it is told.

    What a photo takes of a direction rises steeply somewhere, because small changes are held back.
    So each round stays between the longest length that was too little and the shortest that was
    too much.

    Raises:
        InputError: the direction does next to nothing of the kind.
    """
    name, wanted = unit
    length, too_short, too_long = 1.0, 0.0, math.inf
    for _ in range(ROUNDS):
        found = measured(direction * length * recipe.told_at, gauge)
        share = found.share((name, wanted * recipe.told_at))
        if share < SMALLEST_CHANGE:
            raise InputError(
                f"{recipe.name}: its direction changes {name} by {share:.0%} of what +1 is to do; "
                "is the file of directions another one?"
            )
        if abs(share - 1) < CLOSE:
            break
        too_short, too_long = (length, too_long) if share < 1 else (too_short, length)
        next_length = length / share
        if not too_short < next_length < too_long:
            next_length = (too_short + too_long) / 2
        length = next_length
    return length


def write(recipe: Published, found: Made, units: Mapping[str, float], folder: Path) -> Path:
    """Write one preset file with what was measured; returns its path."""
    facts = {key: getattr(recipe, key) for key in ("name", "meaning", "panel", "range", "region")}
    facts |= {"slots": recipe.reach, "family": wavelet.FAMILY, "guards": recipe.still}
    facts |= {"source": recipe.credit}
    facts |= {"effects": found.effects(units), "evidence": evidence_of(recipe, found)}
    path = folder / f"{recipe.name}{SUFFIX}"
    save_weights(path, {TENSOR: found.direction.half().float()}, facts)
    return path


def evidence_of(recipe: Published, found: Made) -> dict[str, float]:
    """What strengths -1 and +1 were seen to do to what the recipe is about."""
    told = {}
    for name, words in recipe.shown.items():
        for strength, seen in (("-1", found.down), ("+1", found.up)):
            told[f"{words}, change at {strength}"] = round(seen[name], 2)
    return told


def open_gauge(options: PublishedOptions) -> tuple[Gauge, Readings]:
    """A gauge of random and real faces that taught nothing, and its readings.

    Raises:
        InputError, ModelError: a file is missing, or not what it should be.
    """
    attributes, names = celeba_labels(options.labels)
    sets = [
        Labelled.read(options.utk, utk_label, UTK_NAMES, options.taught),
        Labelled.read(options.celeba, attributes, names, options.taught),
    ]
    readings = Readings.taught(load_identity(options.identity), sets)
    tried = sets[0].faces[3::4]
    real = tried[:: max(1, len(tried) // options.faces)][: options.faces]
    model = wavelet.load("cpu")
    photos = torch.cat((drawn_faces(model, options.faces, options.seed), enlarged(real)))
    gauge = Gauge(corridor_drawer(model, photos), readings, make_detector("embedded", "cpu")[0])
    return gauge, readings


def chosen_recipes(names: Sequence[str]) -> list[Published]:
    """The recipes called so, or all; UsageError for an unknown one."""
    unknown = sorted(set(names) - {recipe.name for recipe in RECIPES})
    if unknown:
        raise UsageError(f"--only {','.join(unknown)}: no published direction has such a recipe")
    return [recipe for recipe in RECIPES if not names or recipe.name in names]


def make_presets(folder: Path, options: PublishedOptions, tell: Tell) -> list[Path]:
    """Make the presets of all recipes, or some, in ``folder``; returns their files."""
    recipes = chosen_recipes([word.strip() for word in options.only.split(",") if word.strip()])
    told = told_directions(options, {name for recipe in recipes for name in recipe.named(TOLD)})
    directions = Directions.read(options.directions).with_learnt().with_told(told)
    gauge, readings = open_gauge(options)
    for name, agreement in readings.agreement.items():
        tell(f"{name}: read off other faces with a correlation of {agreement:.2f}")
    files = []
    for recipe in recipes:
        found = made(recipe, directions, gauge)
        files.append(write(recipe, found, readings.reliable, folder))
        seen = ", ".join(f"{k} {v:+g}" for k, v in evidence_of(recipe, found).items())
        tell(f"{files[-1]}: {seen}")
    return files
