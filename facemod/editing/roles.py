"""Roles: the faces of a film, each encoded in every second frame, with codes that are steady.

Encoded by itself, every frame gets a slightly other code, and the edit flickers. Codes are
averaged over neighbouring frames, as landmarks are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facemod.editing.editor import Editor, EncodedFace
from facemod.editing.inbetween import batch_on
from facemod.faces import tracks
from facemod.faces.face import Crop
from facemod.faces.tracks import Track
from facemod.imaging.photo import Photo, Source
from facemod.latent.codes import Codes, concatenate

REACH = 5  # frames that averages look ahead and back
EACH = 2  # of so many frames one is encoded: codes that are averaged change slowly
NO_SOURCE = Source(Path(), "PNG", "RGB")

Pixels = NDArray[np.uint8]


@dataclass(eq=False)
class Role:
    """One face of a film."""

    editor: Editor
    number: int
    """1 for the first and leftmost face of the film."""
    track: Track
    sigma: float
    """Of the averaging of codes, in frames; 0 takes every frame by itself."""
    crops: dict[int, Crop] = field(default_factory=dict)
    """The face cut out of the frames that are held."""
    codes: dict[int, Codes] = field(default_factory=dict)
    """Of every second of them, or of all if nothing is averaged."""

    @cached_property
    def side(self) -> int:
        """Of its squares, in px: in all frames what is enough where it is largest."""
        faces = (tracks.face_at(self.track, self.number, n) for n in self.track.seen)
        return max(map(self.editor.side, faces))

    def see(self, frames: Mapping[int, Pixels]) -> None:
        """Cut out and encode the face in the frames that are held now, and forget all others."""
        self.crops = {n: crop for n, crop in self.crops.items() if n in frames}
        self.codes = {n: codes for n, codes in self.codes.items() if n in frames}
        new = [n for n in sorted(frames) if n in self.track.seen and n not in self.crops]
        self.crops |= {n: self._crop(frames[n], n) for n in new}
        first, each = min(self.track.seen), EACH if self.sigma else 1
        due = [n for n in new if (n - first) % each == 0]
        batch = batch_on(self.editor.model.device)
        for start in range(0, len(due), batch):
            numbers = due[start : start + batch]
            encoded = self.editor.encode([self.crops[n] for n in numbers])
            self.codes |= {n: face.codes for n, face in zip(numbers, encoded, strict=True)}

    def _crop(self, frame: Pixels, n: int) -> Crop:
        face = tracks.face_at(self.track, self.number, n)
        return self.editor.align(Photo(frame, None, NO_SOURCE), face, self.side)

    def steady(self, n: int) -> EncodedFace:
        """The face in a frame, with codes averaged over those around it that are held."""
        near = [m for m in self.codes if abs(m - n) <= REACH]
        codes = averaged([self.codes[m] for m in near], [m - n for m in near], self.sigma)
        return EncodedFace(self.crops[n], codes, self.editor.model)


def averaged(codes: list[Codes], offsets: list[int], sigma: float) -> Codes:
    """The codes of one face in neighbouring frames as one, weighted by a Gaussian."""
    if sigma == 0:
        return codes[offsets.index(0)]
    weights = torch.exp(-0.5 * (torch.tensor(offsets).float() / sigma).square())
    weights /= weights.sum()
    together = concatenate(codes)

    def mean(values: torch.Tensor) -> torch.Tensor:
        shape = (-1, *[1] * (values.ndim - 1))
        return (values * weights.to(values).reshape(shape)).sum(0, keepdim=True)

    details = tuple(entry.each(mean) for entry in together.details)
    return replace(together, styles=mean(together.styles), details=details)
