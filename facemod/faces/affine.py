"""Affine maps [2, 3] between pixel-centre coordinates: the centre of the first pixel is (0, 0)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]


def similarity(centre: Points, half_width: Points, size: int) -> Matrix:
    """The map from a crop of ``size`` px to a square of the photo, without mirroring.

    ``centre`` [2] is the middle of the square, ``half_width`` [2] leads from it to the middle of
    the side that becomes the crop's right edge.
    """
    x, y = np.asarray(half_width) * (2 / size)
    linear = np.array([[x, -y], [y, x]])
    middle = np.full(2, (size - 1) / 2)
    return np.column_stack((linear, centre - linear @ middle))


def square(centre: Points, degrees: float, side: float, size: int) -> Matrix:
    """The map from a crop of ``size`` px to a square given by its rotation and its ``side``."""
    turn = math.radians(degrees)
    half = np.array([math.cos(turn), math.sin(turn)]) * (side / 2)
    return similarity(centre, half, size)


def apply(matrix: Matrix, points: Points) -> Points:
    """Map points [..., 2]."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def inverse(matrix: Matrix) -> Matrix:
    """The map that undoes ``matrix``."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack((linear, -linear @ matrix[:, 2]))


def scale(matrix: Matrix) -> float:
    """How many pixels of the target one pixel of the source spans."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def rescaled(matrix: Matrix, origin: Points, factors: Points) -> Matrix:
    """``matrix`` for a target that was cut at pixel ``origin`` [2] and resized by ``factors`` [2].

    Resizing keeps the corners of the image in place, not the centres of its corner pixels.
    """
    linear = matrix[:, :2] * factors[:, None]
    return np.column_stack((linear, (matrix[:, 2] - origin + 0.5) * factors - 0.5))


def pillow_coefficients(matrix: Matrix) -> tuple[float, ...]:
    """The six numbers ``Image.transform`` wants: it puts (0, 0) on a pixel's corner."""
    a, b, c, d, e, f = matrix.ravel()
    return (a, b, c + 0.5 - (a + b) / 2, d, e, f + 0.5 - (d + e) / 2)
