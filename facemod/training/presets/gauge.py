"""What directions do to photos, by the way that every photo goes.

A direction that moves the decoder's picture by ten years may move a photo by two: the carry-over
holds small changes back. So what strength 1 is gets measured where people see it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.editing.corridor import redraw
from facemod.editing.editor import EncodedFace
from facemod.faces.detect import WholePhotoDetector
from facemod.faces.face import Crop, Detector
from facemod.latent.codes import Codes
from facemod.latent.edits import Shift
from facemod.latent.strengths import YIELDING
from facemod.models.wavelet import model as wavelet
from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM
from facemod.tensors.pixels import Pixels, to_pixels, to_tensor

SIDE = 256
TRUNCATION = 0.7
YAW = "yaw"
# How far the nose's tip stands before the line between the eyes, in distances of the eyes.
NOSE = 0.6


@dataclass(frozen=True)
class Gauge:
    """Measures what directions do to faces that taught nothing."""

    draw: Callable[[Tensor], Tensor]
    """A direction [slots, dim] -> what it makes of N faces [N, 3, S, S] in [-1, 1]."""
    readings: Callable[[Tensor], dict[str, Tensor]]
    """Pictures -> what is read off them, [N] for each name."""
    detector: Detector

    def changes(self, direction: Tensor) -> dict[str, float]:
        """The mean change of each reading, and of the yaw in degrees, along ``direction``."""
        before, after = self._unmoved, self._seen(direction)
        return {name: float((after[name] - before[name]).nanmean()) for name in before}

    @cached_property
    def _unmoved(self) -> dict[str, Tensor]:
        return self._seen(torch.zeros(SLOTS, STYLE_DIM))

    def _seen(self, direction: Tensor) -> dict[str, Tensor]:
        pictures = self.draw(direction)
        return self.readings(pictures) | {YAW: yaws_of(self.detector, pictures)}


def yaws_of(detector: Detector, pictures: Tensor) -> Tensor:
    """Degrees [N] to the right of ``pictures`` [N, 3, S, S]; NaN where no face is found."""
    found = [detector.detect(pixels) for pixels in to_pixels(pictures)]
    return torch.tensor([yaw_of(faces[0].landmarks) if faces else np.nan for faces in found])


def yaw_of(points: np.ndarray) -> float:
    """How many degrees a face turns to the picture's right, by its five points [5, 2]."""
    eyes, nose = points[:2], points[2]
    across = eyes[1] - eyes[0]
    aside = (nose - eyes.mean(0)) @ across / (across @ across)
    return float(np.degrees(np.arctan(aside / NOSE)))


@dataclass(frozen=True, eq=False)
class PresetShift(Shift):
    """A direction as presets move faces: details give way to it more readily."""

    def __call__(self, codes: Codes) -> Codes:
        return super().__call__(codes).giving_way(YIELDING)


def corridor_drawer(model: wavelet.WaveletModel, photos: Tensor) -> Callable[[Tensor], Tensor]:
    """What directions make of aligned ``photos`` [N, 3, S, S], carried over to their pixels."""
    crops = [as_crop(pixels) for pixels in to_pixels(photos)]
    codes = model.encode(photos)
    faces = [EncodedFace(crop, codes[i], model).decoded() for i, crop in enumerate(crops)]

    def draw(direction: Tensor) -> Tensor:
        edit = PresetShift(direction)
        return to_tensor([one.pixels for face in faces for one in redraw([face], [edit])])

    return draw


def as_crop(pixels: Pixels) -> Crop:
    """An aligned face [S, S, 3] as if it had been cut out of a photo of just itself."""
    (face,) = WholePhotoDetector().detect(pixels)
    return Crop(pixels, np.eye(2, 3), face)


@torch.inference_mode()
def drawn_faces(model: wavelet.WaveletModel, count: int, seed: int) -> Tensor:
    """Pictures [count, 3, 256, 256] of random faces, to be taken for photos."""
    codes = model.sample(count, seed=seed, truncation=TRUNCATION)
    return torch.cat([model.decode(codes[i], SIDE) for i in range(count)])


def enlarged(faces: Tensor) -> Tensor:
    """Aligned faces [N, 3, S, S] at the gauge's size."""
    return F.interpolate(faces, (SIDE, SIDE), mode="bicubic").clamp(-1, 1)
