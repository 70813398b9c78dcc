"""Roles: the faces of a film, each encoded once in every frame, with codes that are steady.

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
from facemod.faces import tracks
from facemod.faces.face import Crop
from facemod.faces.tracks import Track
from facemod.imaging.photo import Photo, Source
from facemod.latent.codes import Codes, concatenate

REACH = 5  # frames that averages look ahead and back
BATCH = 4  # frames that are encoded at a time
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
    encoded: dict[int, EncodedFace] = field(default_factory=dict)
    """The face in the frames that are held."""

    @cached_property
    def side(self) -> int:
        """Of its squares, in px: in all frames what is enough where it is largest."""
        faces = (tracks.face_at(self.track, self.number, n) for n in self.track.seen)
        return max(map(self.editor.side, faces))

    def see(self, frames: Mapping[int, Pixels]) -> None:
        """Encode the face in the frames that are held now, and forget it in all others."""
        self.encoded = {n: face for n, face in self.encoded.items() if n in frames}
        new = [n for n in sorted(frames) if n in self.track.seen and n not in self.encoded]
        for start in range(0, len(new), BATCH):
            numbers = new[start : start + BATCH]
            crops = [self._crop(frames[n], n) for n in numbers]
            self.encoded.update(zip(numbers, self.editor.encode(crops), strict=True))

    def _crop(self, frame: Pixels, n: int) -> Crop:
        face = tracks.face_at(self.track, self.number, n)
        return self.editor.align(Photo(frame, None, NO_SOURCE), face, self.side)

    def steady(self, n: int) -> EncodedFace:
        """The face in a frame, with codes averaged over those around it that are held."""
        near = [m for m in self.encoded if abs(m - n) <= REACH]
        offsets = [m - n for m in near]
        codes = averaged([self.encoded[m].codes for m in near], offsets, self.sigma)
        return replace(self.encoded[n], codes=codes)


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
