"""The words for how results are to be, checked. Imports no torch: a wrong word is told at once."""

from __future__ import annotations

import math

from facemod.editing.results import ResultKind
from facemod.errors import UsageError
from facemod.faces.words import parse_choice
from facemod.fidelity.ladder import Fidelity

AUTO = "auto"
SIZES = ("256", "512", "1024")
"""Sides of the face square, in px, that a model is asked to draw."""


def check_faces(choice: str, *, one: bool = False) -> None:
    """Raise UsageError when ``--faces`` makes no sense, or may mean several and ``one`` is due."""
    parsed = parse_choice(choice)
    if one and (parsed == "all" or (isinstance(parsed, tuple) and len(parsed) > 1)):
        raise UsageError(f"--faces {choice}: one face of each photo, please: largest or a number")


def check_fidelity(name: str) -> None:
    """Raise UsageError when ``--fidelity`` is no rung of the ladder."""
    known = [*(rung.value for rung in Fidelity), AUTO]
    if name not in known:
        raise UsageError(f"--fidelity {name}: unknown; choose one of {', '.join(known)}")


def parse_size(text: str, kind: ResultKind) -> float | None:
    """``--size`` as what :class:`facemod.editing.editor.Editor` takes.

    ``auto`` goes by the face's size in the photo, and means full size where the result is not
    the photo, but the smallest for previews, which are to be fast.

    Raises:
        UsageError: another word, or another number than those in :data:`SIZES`.
    """
    if text == AUTO and kind is ResultKind.PREVIEW:
        return int(SIZES[0])
    if text == AUTO:
        return None if kind is ResultKind.PHOTO else math.inf
    if text not in SIZES:
        raise UsageError(f"--size {text}: unknown; use {', '.join(SIZES)} or auto")
    return int(text)
