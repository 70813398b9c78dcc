"""What finds faces, and the values that they travel in: where one is, and it cut out upright."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a photo. Coordinates are pixel-centre coordinates of the upright photo."""

    index: int
    """1 for the leftmost face of the photo, counting to the right."""
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 of the detector's box; it may reach outside the photo."""
    landmarks: NDArray[np.float64]
    """[5, 2]: image-left eye, image-right eye, nose, image-left and image-right mouth corner,
    left and right as seen when the face is upright."""
    score: float
    """The detector's own confidence, 0..1."""
    verify: float
    """The verifier's logit: human faces are above 2.5, usually above 6."""
    backend: str
    """Who found the landmarks: "embedded", "face-alignment" or "none"."""
    guess: NDArray[np.float64] | None = None
    """[5, 2]: the coarser landmarks that these were found from, if a detector wants to know."""

    @property
    def roll(self) -> float:
        """In-plane rotation in degrees, in -180..180: 0 is upright, 90 has the chin at the left."""
        return roll(self.landmarks)


@dataclass(frozen=True, eq=False)
class Crop:
    """A face cut out as an upright FFHQ square."""

    pixels: NDArray[np.uint8]
    """[S, S, 3] RGB."""
    matrix: NDArray[np.float64]
    """[2, 3], from pixel-centre coordinates of the crop to those of the photo."""
    face: Face


class Detector(Protocol):
    """Finds faces and their landmarks."""

    @property
    def name(self) -> str:
        """What it is called in outcomes."""
        ...

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces of an upright photo [H, W, 3], numbered left to right; [] when none."""
        ...


@runtime_checkable
class Follower(Detector, Protocol):
    """A detector that can look for faces where they were a moment ago, in little time."""

    def follow(self, rgb: NDArray[np.uint8], known: Sequence[Face]) -> list[Face | None]:
        """Each of the ``known`` faces in the next frame [H, W, 3] of a film; None if it is lost."""
        ...


def roll(landmarks: NDArray[np.float64]) -> float:
    """In-plane rotation of five points [5, 2] in degrees, from the eyes and the mouth together."""
    x, y = landmarks[1] - landmarks[0] + landmarks[4] - landmarks[3]
    return math.degrees(math.atan2(y, x))
