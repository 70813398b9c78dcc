"""Landmarks by the face-alignment package (Bulat, Tzimiropoulos 2017, arXiv 1703.07332).

The package brings 68 points, FFHQ's own recipe, but wants a 96 MB weight file that it would
download. Here it never does: it is used when the file is there already. The bundled detector
finds the faces and their rotation, and each face is shown to the package upright at a fixed
size, because the package rounds its points to whole pixels and loses faces that are turned.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facemod.errors import MissingExtraError
from facemod.faces import affine
from facemod.faces.align import cut, ffhq_square
from facemod.faces.embedded import EmbeddedDetector
from facemod.faces.face import Detector, Face

WEIGHTS = "2DFAN4-11f355bf06.pth.tar"
SHA256_PREFIX = "11f355bf06"

# The upright view that the package gets, and what it makes of it. Sizes are in sides of the
# FFHQ square; the network's view is the one that the package gives boxes of YuNet.
VIEW_PX, VIEW_SIDES = 512, 1.6
NETWORK_SIDES, NETWORK_RISE = 1.55, 0.035
# The package's own constants: its crop is 200 px per unit of scale, centred above the box.
PX_PER_SCALE, BOX_RISE = 200.0, 0.12


def weights_path() -> Path:
    """Where the package looks for its weights."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS


def available() -> tuple[bool, str]:
    """Whether face-alignment can run without a download, and in words why or why not."""
    path = weights_path()
    if importlib.util.find_spec("face_alignment") is None:
        return False, "the package face-alignment is not installed (pip install face-alignment)"
    if not path.is_file():
        return False, f"face-alignment has no weights at {path}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not digest.startswith(SHA256_PREFIX):
        return False, f"{path} is damaged: its sha256 does not start with {SHA256_PREFIX}"
    return True, f"its weights are at {path}"


class FaceAlignmentDetector:
    """Faces from another detector, with the landmarks of the face-alignment package."""

    name = "face-alignment"

    def __init__(self, device: str = "cpu", finder: Detector | None = None) -> None:
        """``finder`` finds the faces; the bundled detector when it is None.

        Raises:
            MissingExtraError: the package or its weight file is not there.
        """
        usable, reason = available()
        if not usable:
            raise MissingExtraError(
                f"--aligner face-alignment: {reason}; its weight file belongs at "
                f"{weights_path()} and is never downloaded, --aligner embedded needs neither"
            )
        self._finder = finder or EmbeddedDetector(device)
        self._package = _construct(device)

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces of an upright photo [H, W, 3], left to right."""
        return [self._place(rgb, face) for face in self._finder.detect(rgb)]

    def _place(self, rgb: NDArray[np.uint8], face: Face) -> Face:
        centre, half_width = ffhq_square(face.landmarks)
        matrix = affine.similarity(centre, half_width * VIEW_SIDES, VIEW_PX)
        box = _box_for_network(self._package.face_detector.reference_scale)
        found = self._package.get_landmarks_from_image(
            cut(rgb, matrix, VIEW_PX), detected_faces=[box]
        )
        landmarks = affine.apply(matrix, five_of_68(np.asarray(found[0], dtype=np.float64)))
        return dataclasses.replace(face, landmarks=landmarks, backend=self.name)


def five_of_68(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The five landmarks [5, 2] of the 68 of iBUG [68, 2], as FFHQ's recipe takes them."""
    eyes = points[36:42].mean(0), points[42:48].mean(0)
    return np.stack([*eyes, points[30], points[48], points[54]])


def import_package() -> ModuleType:
    """The package, imported so that its first call does not take 5 s.

    It has numba compile a few array helpers in every process, and they are not faster for it.
    """
    if "numba" not in sys.modules:  # numba that is half way through its life would break
        os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    return importlib.import_module("face_alignment")


def _construct(device: str) -> Any:
    """The package's network, without its detector and without compilation."""
    face_alignment = import_package()
    return face_alignment.FaceAlignment(
        face_alignment.LandmarksType.TWO_D,
        device=str(device),
        face_detector="folder",  # the only one that loads no file; it is never asked
        compile=False,  # compiling takes a minute, fails without a C++ compiler, is not faster
    )


def _box_for_network(reference_scale: float) -> list[float]:
    """The box in the view from which the package derives the crop that its network wants."""
    sides = VIEW_PX / VIEW_SIDES
    box = NETWORK_SIDES * sides / PX_PER_SCALE * reference_scale / 2
    middle = (VIEW_PX - 1) / 2
    x, y = middle, middle - NETWORK_RISE * sides + BOX_RISE * box
    return [x - box / 2, y - box / 2, x + box / 2, y + box / 2]
