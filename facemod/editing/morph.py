"""Morphing: a film from one real face to the next.

Codes are interpolated, and so are the residuals, that is what the model missed of each real
photo. So every leg begins and ends on the real aligned photos, not on their reconstructions.
The residual's light and colour cross over evenly; its fine detail belongs to one pose and fades
quickly, or it would show both faces at once half way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.editing.editor import EncodedFace
from facemod.editing.inbetween import batch_on, walked
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.transfer import SMOOTH
from facemod.latent.codes import concatenate
from facemod.latent.interpolate import Step, between
from facemod.models.base import FaceModel
from facemod.tensors.blur import gaussian_blur
from facemod.tensors.pixels import to_pixels, to_tensor

DETAIL_FADES = 3  # the power of a face's presence with which its fine detail shows


def morph_frames(
    model: FaceModel,
    faces: Sequence[EncodedFace],
    steps: Sequence[Step],
    size: int,
    fidelity: Fidelity = Fidelity.TRANSFER,
) -> Iterator[NDArray[np.uint8]]:
    """Frames [size, size, 3] of a walk through encoded faces, one at a time.

    Frames that stand on a face are its aligned photo, resized and nothing else; when nothing is
    to be transferred, they are what the model decodes, as all others.
    """
    photos = [resized(to_tensor([face.crop.pixels]), size) for face in faces]
    missed = [Missed.of(photo, face) for photo, face in zip(photos, faces, strict=True)]
    batch = batch_on(model.device)
    for number, steps_there in groupby(steps, key=lambda step: step.leg):
        a, b = number, (number + 1) % len(faces)
        leg = Leg(model, faces[a], faces[b], [step.t for step in steps_there])
        for t, decoded in zip(leg.ts, walked(leg.drawn, len(leg.ts), batch), strict=True):
            frame = resized(decoded, size)
            if fidelity.transfers:
                frame = frame + missed[a].shown(missed[b], t)
            yield to_pixels(frame)[0]


@dataclass(frozen=True)
class Leg:
    """The way from one face to another."""

    model: FaceModel
    here: EncodedFace
    there: EncodedFace
    ts: Sequence[float]
    """How far each of its frames has come, 0 to 1."""

    def drawn(self, places: Sequence[int]) -> Tensor:
        """The pictures [N, 3, R, R] that stand at some places, as large as the aligned faces."""
        met = {0.0: self.here, 1.0: self.there}
        on_the_way = [place for place in places if self.ts[place] not in met]
        codes = [between(self.here.codes, self.there.codes, self.ts[i]) for i in on_the_way]
        size = len(self.here.crop.pixels)
        decoded = self.model.decode(concatenate(codes), size).cpu().split(1) if codes else ()
        pictures = dict(zip(on_the_way, decoded, strict=True))
        pictures |= {i: met[self.ts[i]].reconstruction for i in places if self.ts[i] in met}
        return torch.cat([pictures[place] for place in places])


class Missed(NamedTuple):
    """What the model misses of a photo, [1, 3, size, size]: light and colour, and fine detail."""

    smooth: Tensor
    fine: Tensor

    @classmethod
    def of(cls, photo: Tensor, face: EncodedFace) -> Missed:
        """Of a face's aligned ``photo`` [1, 3, size, size]."""
        residual = photo - resized(face.reconstruction, photo.shape[-1])
        smooth = gaussian_blur(residual, SMOOTH)
        return cls(smooth, residual - smooth)

    def shown(self, other: Missed, t: float) -> Tensor:
        """What to add a fraction ``t`` of the way to another face."""
        here, there = (1 - t) ** DETAIL_FADES, t**DETAIL_FADES
        return self.smooth.lerp(other.smooth, t) + here * self.fine + there * other.fine


def resized(images: Tensor, size: int) -> Tensor:
    """Square images [N, 3, S, S] at another size, antialiased when shrinking."""
    if images.shape[-1] == size:
        return images
    return F.interpolate(
        images, (size, size), mode="bicubic", align_corners=False, antialias=True
    ).clamp(-1, 1)
