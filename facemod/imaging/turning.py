"""Turning pictures between how a file stores them and how people see them (EXIF orientation)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored),
}
ORIENTATIONS = (1, *_TURNS)
_BACK = {6: 8, 8: 6}


def upright(stored: np.ndarray, orientation: int) -> np.ndarray:
    """A view of stored pixels [H, W, ...] as people see them.

    ``orientation`` is the value of the EXIF tag; what is none of its eight turns nothing.
    """
    turn = _TURNS.get(orientation)
    return stored if turn is None else turn(stored)


def as_stored(seen: np.ndarray, orientation: int) -> np.ndarray:
    """The inverse of :func:`upright`."""
    return upright(seen, _BACK.get(orientation, orientation))
