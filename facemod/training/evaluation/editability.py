"""Whether presets do to encoded real faces what they do to random ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
from facemod.training.judges.readings import Readings
from facemod.training.presets.levels import LABELS

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


@dataclass(frozen=True)
class ReadOff:
    """What a regression on an identity network's features tells, in the units of presets."""

    readings: Readings

    @property
    def names(self) -> tuple[str, ...]:
        """The presets that are about something which is read reliably."""
        reliable = self.readings.reliable
        return tuple(name for name, (label, _) in LABELS.items() if label in reliable)

    def changes(self, before: Tensor, after: Tensor) -> Tensor:
        was, now = self.readings(before), self.readings(after)
        told = [LABELS[name] for name in self.names]
        return torch.stack([(now[label] - was[label]) / unit for label, unit in told], 1)


@dataclass(frozen=True)
class Editability:
    """The effect of each preset on encoded faces, beside that on as many random ones.

    Only presets whose own attribute any of the ``measures`` tells are tried; the first one that
    does is asked. ``share`` is the ratio of the two effects, each half the difference between
    strength 1 and strength -1.
    """

    measures: Sequence[Measures]
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
            telling = [each for each in self.measures if name in each.names]
            if not telling or preset.family != model.info.family:
                continue
            on_samples, on_real = (
                effect(model, codes, name, telling[0]) for codes in (samples, real)
            )
            share = on_real / on_samples if on_samples else math.nan
            found[name] = {"on samples": on_samples, "on real": on_real, "share": share}
        return found


def effect(model: FaceModel, codes: Sequence[Codes], name: str, measures: Measures) -> float:
    """Half of what lies between strength -1 and strength 1 of a preset, the mean over faces."""
    space = model.info.space
    edits = (preset_edit({name: Strength(strength)}, space) for strength in (-1.0, 1.0))
    down, up = (torch.cat([picture(model, edit(face)) for face in codes]) for edit in edits)
    return float(measures.changes(down, up)[:, measures.names.index(name)].nanmean() / 2)


def picture(model: FaceModel, codes: Codes) -> Tensor:
    """What codes look like at 256 px [N, 3, 256, 256] in [-1, 1]."""
    drawn = model.decode(codes, SIDE if SIDE in model.info.sizes else None)
    return F.interpolate(drawn.float().cpu(), (SIDE, SIDE), mode="area")
