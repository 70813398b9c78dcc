"""Following faces from frame to frame: where to begin to look for what was seen a moment ago.

Where a face is looked for decides a little where its points are placed. A face that is followed is
looked for from a place that moves with it, and so its points neither drift nor tremble.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facemod.faces import affine
from facemod.faces.align import ffhq_square
from facemod.faces.face import Face
from facemod.faces.proposer import BOX, POINTS

# Places are the same if their points are within this part of the face's square.
STILL = 0.004

Array = NDArray[np.float64]


def proposals_of(faces: Sequence[Face]) -> Array:
    """The proposals [N, 15] that faces were found from."""
    guesses = [face.landmarks if face.guess is None else face.guess for face in faces]
    rows = [
        [*face.box, face.score, *guess.ravel()] for face, guess in zip(faces, guesses, strict=True)
    ]
    return np.array(rows).reshape(-1, 15)


def beside(known: Sequence[Face], marks: Array) -> Array:
    """The proposals [N, 15] of ``known`` faces moved, turned and scaled as the faces were.

    ``marks`` [N, 5, 2] are their landmarks now.
    """
    moved = proposals_of(known)
    for row, face, now in zip(moved, known, marks, strict=True):
        before, after = (
            affine.similarity(*ffhq_square(points), 1) for points in (face.landmarks, now)
        )
        low, high = row[BOX].reshape(2, 2)
        half = (high - low) / 2 * affine.scale(after) / affine.scale(before)
        points = np.array([(low + high) / 2, *row[POINTS].reshape(5, 2)])
        centre, *guess = affine.apply(after, affine.apply(affine.inverse(before), points))
        row[BOX] = *(centre - half), *(centre + half)
        row[POINTS] = np.ravel(guess)
    return moved


def near(some: Array, others: Array) -> bool:
    """Whether the points of proposals [N, 15] are about the same."""
    sides = [2 * np.hypot(*ffhq_square(row[POINTS].reshape(5, 2))[1]) for row in others]
    apart = np.abs(some - others)[:, POINTS].max(1)
    return bool((apart <= STILL * np.array(sides)).all())
