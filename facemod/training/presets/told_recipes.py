"""Which directions labels of photos tell. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Columns of CelebA's table that may be held still, by plain names.
LABEL_OF = {"age": "Young", "beard": "No_Beard", "glasses": "Eyeglasses", "smile": "Smiling"}
MEN = "Male"


@dataclass(frozen=True)
class Told:
    """What one direction is learnt from."""

    label: str
    """The column of CelebA's table."""
    moved: tuple[int, ...]
    """Which ranges of slots move (of those that levels are read from); all of them are read."""
    held: tuple[str, ...] = ("smile", "glasses", "age")
    """What stays where it is, names of :data:`LABEL_OF`."""
    among: str = ""
    """Only photos that have this label teach; all of them if empty."""


TOLD: Mapping[str, Told] = {
    "bald": Told("Bald", (0, 1), among=MEN),
    # Few men with short hair are said to have wavy hair.
    "hair-long": Told("Wavy_Hair", (0, 1, 2), ("smile", "glasses", "age", "beard"), MEN),
    "male": Told(MEN, (0, 1, 2)),
    "stubble": Told("5_o_Clock_Shadow", (1, 2), among=MEN),
}
