"""Choosing among the faces of a photo. Imports no torch."""

from __future__ import annotations

import numpy as np

from facemod.errors import NoFaceError
from facemod.faces.align import ffhq_square
from facemod.faces.face import Face
from facemod.faces.words import parse_choice


def choose(faces: list[Face], which: str) -> list[Face]:
    """The faces that ``which`` (the value of ``--faces``) asks for, left to right.

    Raises:
        UsageError: ``which`` is neither "all", "largest" nor a list of numbers.
        NoFaceError: there is no face, or not one of every number that was asked for.
    """
    choice = parse_choice(which)
    if not faces:
        raise NoFaceError("no face was found in this photo")
    if choice == "all":
        return list(faces)
    if choice == "largest":
        return [max(faces, key=_side)]
    found = {face.index: face for face in faces}
    for number in choice:
        if number not in found:
            has = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
            raise NoFaceError(f"--faces {which}: there is no face {number}, the photo has {has}")
    return [found[number] for number in choice]


def _side(face: Face) -> float:
    return float(np.hypot(*ffhq_square(face.landmarks)[1]))
