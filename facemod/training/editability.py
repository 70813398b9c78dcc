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
from torch import Tensor

from facemod.faces.detect import Detector
from facemod.latent.codes import Codes
from facemod.latent.presets import find_presets
from facemod.latent.strengths import edit_direction
from facemod.models.base import FaceModel
from facemod.training import attributes
from facemod.training.judge import NAMES, Judge, head_pose
from facemod.training.metrics import Reconstructed, landmarks_of

SIDE = 256
SEED, TRUNCATION = 11, 0.7


class Measures(Protocol):
    """Numbers that can be read off pictures."""

    names: tuple[str, ...]

    def scores(self, images: Tensor) -> Tensor:
        """Images [N, 3, 256, 256] in [-1, 1] -> [N, names]; NaN where there is no face."""
        ...


@dataclass(frozen=True)
class Geometry:
    """What five landmarks tell: the pose, and a smile by the width of the mouth."""

    detector: Detector
    names: tuple[str, ...] = ("yaw", "pitch", "smile")

    def scores(self, images: Tensor) -> Tensor:
        return torch.tensor([self._one(image[None]) for image in images])

    def _one(self, image: Tensor) -> tuple[float, ...]:
        points = landmarks_of(self.detector, image)
        if points is None:
            return (math.nan,) * len(self.names)
        mouth, eyes = points[4] - points[3], points[1] - points[0]
        return (*head_pose(points), float(np.hypot(*mouth) / np.hypot(*eyes)))


class Judged:
    """What the attribute network tells, besides pose and light."""

    names = NAMES

    def __init__(self, network: Path, detector: Detector) -> None:
        self.judge = Judge(attributes.load(network), detector)

    def scores(self, images: Tensor) -> Tensor:
        return self.judge.scores(F.interpolate(images, (128, 128), mode="area"))


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
        direction = edit_direction({name: 1}, info.slots, info.dim, family=info.family)
        up, down = (
            torch.cat([self._scores(model, face.shifted(sign * direction)) for face in codes])
            for sign in (1, -1)
        )
        return float(((up - down) / 2)[:, self.measures.names.index(name)].nanmean())

    def _scores(self, model: FaceModel, codes: Codes) -> Tensor:
        image = F.interpolate(model.decode(codes).float().cpu(), (SIDE, SIDE), mode="area")
        return self.measures.scores(image).float()
