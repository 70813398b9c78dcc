"""Choosing a detector. Imports no torch before one is made."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facemod.errors import InputError
from facemod.faces.face import Detector, Face
from facemod.faces.words import check_aligner


class WholePhotoDetector:
    """For photos that already are aligned squares: the whole photo is the one face."""

    name = "none"

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """One face whose FFHQ square is the photo.

        Raises:
            InputError: the photo is not square.
        """
        height, width = rgb.shape[:2]
        if height != width:
            raise InputError(
                f"the photo is {width} x {height} px, and --aligner none takes it for an aligned "
                "square face; use --aligner auto to find the faces in it"
            )
        box = (-0.5, -0.5, width - 0.5, height - 0.5)
        return [Face(1, box, _typical_landmarks(width), score=1.0, verify=0.0, backend=self.name)]


def _typical_landmarks(side: int) -> NDArray[np.float64]:
    """Landmarks whose FFHQ square is exactly a photo of ``side`` px."""
    eyes, nose, mouth = 0.474, 0.61, 0.734  # heights; the square's centre is eyes + (mouth-eyes)/10
    points = [[0.375, eyes], [0.625, eyes], [0.5, nose], [0.405, mouth], [0.595, mouth]]
    return np.array(points) * side - 0.5


def make_detector(name: str = "auto", device: str = "cpu") -> tuple[Detector, str]:
    """The detector that ``name`` asks for, and in words why it is this one.

    ``auto`` takes face-alignment only when its package and its weight file are both there.
    ``device`` is a torch device, such as "cpu" or "cuda".

    Raises:
        UsageError: there is no aligner of that name.
        MissingExtraError: face-alignment was asked for and cannot run; the message says what is
            missing and where it was expected.
    """
    check_aligner(name)
    if name == "none":
        return WholePhotoDetector(), "photos are taken as aligned faces, as asked"
    from facemod.faces import facealignment

    if name == "face-alignment":
        return facealignment.FaceAlignmentDetector(device), "face-alignment, as asked"
    if name == "auto":
        usable, reason = facealignment.available()
        if usable:
            return facealignment.FaceAlignmentDetector(device), f"face-alignment: {reason}"
    from facemod.faces.embedded import EmbeddedDetector

    if name == "embedded":
        return EmbeddedDetector(device), "the bundled detector, as asked"
    return EmbeddedDetector(device), f"the bundled detector: {reason}"
