"""What finds faces and which are taken, in words. Imports nothing large: wrong words are told at
once."""

from __future__ import annotations

from typing import Literal

from facemod.errors import UsageError

ALIGNERS = ("auto", "embedded", "face-alignment", "none")
Choice = Literal["all", "largest"] | tuple[int, ...]


def parse_choice(which: str) -> Choice:
    """Read the value of ``--faces``: "all", "largest" or numbers such as "1,3".

    Raises:
        UsageError: it is none of these.
    """
    if which == "all":
        return "all"
    if which == "largest":
        return "largest"
    numbers = [word.strip() for word in which.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) > 0 for word in numbers):
        raise UsageError(
            f"--faces {which}: say all, largest, or numbers counted from the left, such as 1,3"
        )
    return tuple(sorted({int(word) for word in numbers}))


def check_aligner(name: str) -> None:
    """Raise UsageError when there is no aligner of that name."""
    if name not in ALIGNERS:
        raise UsageError(f"no aligner is called {name!r}; there are {', '.join(ALIGNERS)}")
