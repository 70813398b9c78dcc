"""Fit the levels of presets to an encoder: what its codes of photos say, and what photos show.

``facemod train levels`` runs this.

To be run again for every new encoder; directions stay as they are. An encoder that is not sure
leans towards the average face, so levels that are read off codes lie closer together than the
judge sees them on the photos. The slope of the one on the other is the preset's ``level_gain``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from facemod.latent.presets import LEVEL_TENSOR, SUFFIX
from facemod.training.data import spread_faces
from facemod.training.judges.judge import STILL, Judge
from facemod.training.presets.directions import open_instruments
from facemod.training.presets.options import LevelOptions
from facemod.training.presets.recipes import LEARNT, Recipe, target_weights
from facemod.training.presets.studio import encoded
from facemod.training.settings import Tell
from facemod.weights.files import load_weights, save_weights

LARGEST_GAIN = 4.0


@dataclass(frozen=True)
class Photos:
    """Real faces: their codes [N, slots, dim] and what the judge sees on them, [N, still]."""

    styles: Tensor
    scores: Tensor

    @classmethod
    @torch.inference_mode()
    def of(cls, packed: Path, count: int, judge: Judge) -> Photos:
        """Faces evenly spread over a packed set."""
        faces = spread_faces(packed, count)
        return cls(encoded(faces), judge.scores(faces))


@dataclass(frozen=True)
class Reading:
    """How readings of a level relate to photos."""

    centre: float
    gain: float
    correlation: float | None
    """With the judge; None for what cannot be judged on one picture, which keeps gain 1."""


def reading_of(recipe: Recipe, level: Tensor, photos: Photos) -> Reading:
    """Fit one level [slots, dim]."""
    read = (photos.styles * level).sum((1, 2))
    centre = float(read.mean())
    if not set(recipe.targets) <= set(STILL):
        return Reading(centre, 1.0, None)
    shown = photos.scores @ target_weights(recipe)[: len(STILL)]
    read, shown = read - centre, shown - shown.mean()
    gain = float((read @ shown) / (read @ read))
    correlation = float((read @ shown) / (read.norm() * shown.norm()))
    return Reading(centre, min(max(gain, 0.0), LARGEST_GAIN), correlation)


def refit(path: Path, recipe: Recipe, photos: Photos) -> Reading:
    """Write what was found into a preset's file."""
    state, facts = load_weights(path)
    found = reading_of(recipe, state[LEVEL_TENSOR], photos)
    facts |= {"level_centre": found.centre, "level_gain": round(found.gain, 3)}
    if found.correlation is not None:
        evidence = {"level on photos, correlation": round(found.correlation, 2)}
        facts["evidence"] = {**facts.get("evidence", {}), **evidence}
    save_weights(path, state, facts)
    return found


def fit_levels(folder: Path, options: LevelOptions, tell: Tell) -> list[Path]:
    """Fit the levels of the presets in ``folder`` anew; returns the files that were changed."""
    _, _, _, judge = open_instruments(options)
    photos = Photos.of(options.real, options.faces, judge)
    paths = {recipe: folder / f"{recipe.name}{SUFFIX}" for recipe in LEARNT}
    there = {recipe: path for recipe, path in paths.items() if path.exists()}
    for recipe, path in there.items():
        tell(f"{recipe.name} {refit(path, recipe, photos)}")
    return list(there.values())
