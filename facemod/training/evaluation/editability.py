"""Whether presets do to encoded real faces what they do to random ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces.face import Detector
from facemod.latent.codes import Codes
from facemod.latent.presets import find_presets
from facemod.latent.strengths import Strength, preset_edit
from facemod.models.base import FaceModel
from facemod.training.evaluation.metrics import Reconstructed, landmarks_of
from facemod.training.judges import attributes
from facemod.training.judges.judge import NAMES, Judge
from facemod.training.presets.recipes import RECIPES

SIDE = 256
SEED, TRUNCATION = 11, 0.7


class Measures(Protocol):
    """What can be told of presets' effects by looking at pictures."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of the presets whose effects are measured."""
        ...

    def changes(self, before: Tensor, after: Tensor) -> Tensor:
        """Images [N, 3, 256, 256] in [-1, 1] -> [N, names]; NaN where there is no face."""
        ...


@dataclass(frozen=True)
class Geometry:
    """What five landmarks tell: the pose, and a smile by the width of the mouth."""

    detector: Detector
    names: tuple[str, ...] = ("yaw", "pitch", "smile")

    def changes(self, before: Tensor, after: Tensor) -> Tensor:
        return self._scores(after) - self._scores(before)

    def _scores(self, images: Tensor) -> Tensor:
        return torch.tensor([self._one(image[None]) for image in images])

    def _one(self, image: Tensor) -> tuple[float, ...]:
        points = landmarks_of(self.detector, image)
        if points is None:
            return (math.nan,) * len(self.names)
        mouth, eyes = points[4] - points[3], points[1] - points[0]
        return (*head_pose(points), float(np.hypot(*mouth) / np.hypot(*eyes)))


def head_pose(landmarks: NDArray[np.float64]) -> tuple[float, float]:
    """How far the nose points to the picture's right and up, in units of the face.

    ``landmarks`` [5, 2]: eyes, nose, mouth corners. A turning head moves the nose off the line
    between the middles of eyes and mouth; a nodding head moves it along that line.
    """
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    axis = mouth - eyes
    length = np.hypot(*axis)
    along, across = axis / length, np.array([axis[1], -axis[0]]) / length
    nose = (landmarks[2] - eyes) / length
    return float(nose @ across), -float(nose @ along)


class Judged:
    """What the attribute network, light and the motion of the face's parts tell."""

    names = tuple(recipe.name for recipe in RECIPES)

    def __init__(self, network: Path) -> None:
        self.judge = Judge(attributes.load(network))
        weights = [[recipe.targets.get(name, 0.0) for name in NAMES] for recipe in RECIPES]
        self._weights = torch.tensor(weights)

    def changes(self, before: Tensor, after: Tensor) -> Tensor:
        small = (F.interpolate(x, (128, 128), mode="area") for x in (before, after))
        return self.judge.changes(*small) @ self._weights.T


@dataclass(frozen=True)
class Editability:
    """The effect of each preset on encoded faces, beside that on as many random ones.

    Only presets whose own attribute ``measures`` tell are tried. ``share`` is the ratio of the
    two effects, each half the difference between strength 1 and strength -1.
    """

    measures: Measures
    faces: int
    name: str = "editability"

    def measure(
        self, model: FaceModel, faces: Sequence[Reconstructed]
    ) -> dict[str, dict[str, float]]:
        real = [face.codes for face in faces[: self.faces]]
        drawn = model.sample(len(real), seed=SEED, truncation=TRUNCATION)
        samples = [drawn[i] for i in range(len(drawn))]
        found = {}
        for name, preset in find_presets()[0].items():
            if name not in self.measures.names or preset.family != model.info.family:
                continue
            on_samples, on_real = (self._effect(model, codes, name) for codes in (samples, real))
            share = on_real / on_samples if on_samples else math.nan
            found[name] = {"on samples": on_samples, "on real": on_real, "share": share}
        return found

    def _effect(self, model: FaceModel, codes: Sequence[Codes], name: str) -> float:
        info = model.info
        edits = (preset_edit({name: Strength(strength)}, info.space) for strength in (-1.0, 1.0))
        down, up = (torch.cat([picture(model, edit(face)) for face in codes]) for edit in edits)
        found = self.measures.changes(down, up)[:, self.measures.names.index(name)]
        return float(found.nanmean() / 2)


def picture(model: FaceModel, codes: Codes) -> Tensor:
    """What codes look like at 256 px [N, 3, 256, 256] in [-1, 1]."""
    return F.interpolate(model.decode(codes).float().cpu(), (SIDE, SIDE), mode="area")
