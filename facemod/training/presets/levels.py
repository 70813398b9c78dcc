"""Fit the levels of presets to the encoder: where the face of a photo stands on a preset's scale.

``facemod train levels`` runs this, anew for every new encoder; directions stay as they are.

What people say of photos (CelebA's attributes, UTKFace's ages and sexes), and how far heads turn by
their landmarks, is predicted from codes by ridge regression. The prediction, which leans towards
the mean, is stretched until its slope over what was said is that of the preset's unit. Presets of
which nobody says anything keep the measure that they were learnt with, around the mean photo, if
photos differ by it; if not, they lose it, and ``to:`` and ``like:`` with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facemod.faces.detect import make_detector
from facemod.latent.learning import Space, regressed
from facemod.latent.presets import LEVEL_TENSOR, SUFFIX, TENSOR
from facemod.models.wavelet import model as wavelet
from facemod.models.wavelet.details import SHAPING
from facemod.training.judges.attributes import AGE, MALE
from facemod.training.judges.readings import (
    UTK_NAMES,
    Labelled,
    celeba_labels,
    correlations,
    utk_label,
)
from facemod.training.presets.gauge import YAW, enlarged, yaws_of
from facemod.training.presets.options import LevelOptions
from facemod.training.presets.studio import PART
from facemod.training.settings import Tell
from facemod.weights.files import load_weights, save_weights

# By preset: what is said of photos, and how much of it strength 1 is.
LABELS = {
    "age": (AGE, 10.0),
    "bald": ("Bald", 1.0),
    "bangs": ("Bangs", 1.0),
    "beard": ("No_Beard", -1.0),
    "gender": (MALE, -0.6),
    "glasses": ("Eyeglasses", 1.0),
    "hair-black": ("Black_Hair", 1.0),
    "hair-blond": ("Blond_Hair", 1.0),
    "make-up": ("Wearing_Lipstick", 1.0),
    "mouth-open": ("Mouth_Slightly_Open", 1.0),
    "smile": ("Smiling", 1.0),
    "stubble": ("5_o_Clock_Shadow", 1.0),
    "yaw": (YAW, 10.0),
}
ENDING = ("gender", "glasses", "smile")
"""Presets whose steps grow shorter for faces that have what they add, because photos look better
so. Those who wear lipstick are women, and mostly wear little else: make-up is put on all."""
RANGES = (range(3), range(3, 6), range(6, SHAPING))
"""Slots whose mean is read together."""
DRAWN = 4000  # styles whose axes photos are read along
TRIED = 4  # every so manieth photo is for trying
LEAST_CORRELATION = 0.4  # of a level with what is said of photos that taught nothing
LEAST_SPREAD = 0.3  # strengths between photos, one standard deviation of them
CORRELATION = "level on photos, correlation"


@dataclass(frozen=True)
class Photos:
    """Photos that taught the encoder nothing but what they look like."""

    styles: Tensor
    """[N, slots, dim], as the encoder reads them."""
    labels: Mapping[str, Tensor]
    """What is said of them, [N] each; NaN where nobody says anything."""


@dataclass(frozen=True)
class Level:
    """How far along a preset a face stands: ``styles . measure - centre``, in strengths."""

    measure: Tensor
    """[slots, dim]"""
    centre: float
    ends: tuple[float, float] | None = None
    """The levels of faces of which people say no, and yes; None where they say more."""
    correlation: float | None = None
    """With what is said of photos that taught nothing."""

    def __call__(self, styles: Tensor) -> Tensor:
        """The levels [N] of styles [N, slots, dim]."""
        return (styles * self.measure).sum((1, 2)) - self.centre


def taught(space: Space, photos: Photos, label: str, one: float) -> Level | None:
    """The level that a label tells, ``one`` of it a strength.

    None if codes do not tell the label.
    """
    said = photos.labels[label] / one
    known = ~said.isnan()
    styles, said = photos.styles[known], said[known]
    tried = torch.arange(len(said)) % TRIED == TRIED - 1
    weights, _ = regressed(space.read(styles[~tried]), said[~tried] - said[~tried].mean())
    measure = space.measure(weights, styles.shape[1])
    read = (styles * measure).sum((1, 2))
    (agreed,) = correlations(read[tried, None], said[tried, None])
    if agreed < LEAST_CORRELATION:
        return None
    off, centred = said[tried] - said[tried].mean(), read[tried] - read[tried].mean()
    stretch = off @ off / (centred @ off)
    return Level(stretch * measure, float(stretch * read.mean()), ends_of(said), agreed)


def ends_of(said: Tensor) -> tuple[float, float] | None:
    """The levels of the two things that people say, around their mean; None if they say more."""
    values = (said.unique() - said.mean()).tolist()
    return (values[0], values[1]) if len(values) == 2 else None


def kept(measure: Tensor, photos: Photos) -> Level | None:
    """A level that there is already, around the mean photo; None if photos hardly differ by it."""
    read = (photos.styles * measure).sum((1, 2))
    return Level(measure, float(read.mean())) if read.std() > LEAST_SPREAD else None


def refit(path: Path, space: Space, photos: Photos) -> Level | None:
    """Write what was found into a preset's file."""
    state, facts = load_weights(path)
    if said := LABELS.get(facts["name"]):
        found = taught(space, photos, *said)
    elif LEVEL_TENSOR in state:
        found = kept(state[LEVEL_TENSOR], photos)
    else:
        return None
    tensors = {TENSOR: state[TENSOR]} | ({LEVEL_TENSOR: found.measure} if found else {})
    save_weights(path, tensors, with_level(facts, found))
    return found


def with_level(facts: Mapping[str, Any], level: Level | None) -> dict[str, Any]:
    """The facts of a preset's file with those of its level, or with none."""
    told = {key: value for key, value in facts.items() if not key.startswith("level_")}
    evidence = {key: v for key, v in told.get("evidence", {}).items() if key != CORRELATION}
    if level is not None:
        told["level_centre"] = level.centre
        if level.ends is not None and facts["name"] in ENDING:
            told["level_ends"] = level.ends
        if level.correlation is not None:
            evidence[CORRELATION] = round(level.correlation, 2)
    return {**told, "evidence": evidence}


@torch.inference_mode()
def read_photos(model: wavelet.WaveletModel, options: LevelOptions) -> Photos:
    """Labelled photos of both sets, and how far their heads turn."""
    attributes, names = celeba_labels(options.labels)
    sets = [
        Labelled.read(options.celeba, attributes, names, options.faces),
        Labelled.read(options.utk, utk_label, UTK_NAMES, options.faces // 2),
    ]
    detector = make_detector("embedded", "cpu")[0]
    parts = [part for one in sets for part in one.faces.split(PART)]
    styles = torch.cat([model.style_encoder(part) for part in parts])
    turns = torch.cat([yaws_of(detector, enlarged(part)) for part in parts])
    return Photos(styles.clone(), said_of(sets) | {YAW: turns})


def said_of(sets: list[Labelled]) -> dict[str, Tensor]:
    """The labels of sets that follow each other; NaN where a set has none of a name."""
    count = sum(len(one.faces) for one in sets)
    said = {name: torch.full((count,), torch.nan) for one in sets for name in one.names}
    first = 0
    for one in sets:
        rows = slice(first, first := first + len(one.faces))
        for name, column in zip(one.names, one.labels.T, strict=True):
            said[name][rows] = column
    return said


def fit_levels(folder: Path, options: LevelOptions, tell: Tell) -> list[Path]:
    """Fit the levels of the presets in ``folder`` anew; returns their files."""
    model = wavelet.load("cpu")
    natural = model.sample(DRAWN, seed=options.seed, truncation=1.0).styles[:, :1]
    space = Space.of(natural, RANGES)
    photos, files = read_photos(model, options), sorted(folder.glob(f"*{SUFFIX}"))
    for path in files:
        found = refit(path, space, photos)
        tell(f"{path.stem}: {described(found, photos)}")
    return files


def described(level: Level | None, photos: Photos) -> str:
    """A level in a line."""
    if level is None:
        return "no level: photos do not tell it"
    agreed = "" if level.correlation is None else f", correlation {level.correlation:.2f}"
    return f"photos spread by {float(level(photos.styles).std()):.2f} strengths{agreed}"
