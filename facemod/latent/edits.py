"""Edits of codes: values that know what they do, where on the face it shows, and what to say of it.

They are the only thing that differs between commands. They can travel to other processes. Nothing
here imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

from facemod.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from facemod.latent.codes import Codes, Scale
    from facemod.latent.presets import Box

LISTED = 9  # photos that a complaint names


class Edit(Protocol):
    """A change of the codes of faces."""

    @property
    def region(self) -> tuple[Box, ...]:
        """Boxes of the face in which it may show in a photo; everywhere if empty."""
        ...

    @property
    def scenic(self) -> bool:
        """Whether it is about the whole scene, as light is, and not about the person alone."""
        ...

    def __call__(self, codes: Codes) -> Codes:
        """The codes, changed, and with details that give way as readily as the change needs."""
        ...

    def notes(self, codes: Codes) -> Sequence[str]:
        """What people should know about this edit of these codes."""
        ...


@dataclass(frozen=True, eq=False)
class Shift:
    """Move every face by the same direction."""

    direction: Tensor
    """[slots, dim] or [N, slots, dim]"""
    region: tuple[Box, ...] = ()
    scenic: bool = False

    def __call__(self, codes: Codes) -> Codes:
        return codes.shifted(self.direction)

    def notes(self, codes: Codes) -> Sequence[str]:
        return ()


@dataclass(frozen=True, eq=False)
class Mix:
    """Take ranges of slots from the codes of other photos, in order; later parts win."""

    parts: tuple[tuple[tuple[int, ...], Codes], ...]
    region: tuple[Box, ...] = ()
    scenic: bool = False

    def __call__(self, codes: Codes) -> Codes:
        for slots, source in self.parts:
            codes = codes.with_slots(slots, source.to(codes.styles.device))
        return codes

    def notes(self, codes: Codes) -> Sequence[str]:
        return ()


def parse_slots(text: str) -> tuple[range, str]:
    """``3-8=b`` or ``5=b`` -> the slots and the name of the source.

    Raises:
        UsageError: another form.
    """
    form = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?=(.+)", text)
    if form is None or int(form[2] or form[1]) < int(form[1]):
        raise UsageError(f"--slots {text}: expected FIRST-LAST=PHOTO, for example 3-8=b")
    return range(int(form[1]), int(form[2] or form[1]) + 1), form[3]


def mix_parts(scales: Mapping[Scale, Codes], slots: Sequence[tuple[str, Codes]]) -> Mix:
    """The edit that takes whole scales, then explicit slots, from the codes of others.

    Args:
        scales: one face's codes for each scale that comes from it.
        slots: texts such as ``3-8=b``, and the codes of the one face that each names.

    Raises:
        UsageError: scales or slots that the model does not have.
    """
    parts = [(codes.slots(scale), codes) for scale, codes in scales.items()]
    for text, codes in slots:
        chosen, _ = parse_slots(text)
        if chosen.stop > len(codes.resolutions):
            last = len(codes.resolutions) - 1
            raise UsageError(f"--slots {text}: this model has slots 0 to {last}")
        parts.append((tuple(chosen), codes))
    return Mix(tuple(parts))


def position(name: str, files: Sequence[str], flag: str) -> int:
    """Where the photo called ``name`` (its file as given, file name, stem, or number) stands.

    Numbers count from 1, and mean a photo only if none goes by that name.

    Raises:
        UsageError: no photo, or more than one, goes by this name.
    """
    found = [i for i, file in enumerate(files) if name == file]
    found = found or [
        i for i, file in enumerate(files) if name in (PurePath(file).name, PurePath(file).stem)
    ]
    if not found and name.isdecimal() and 1 <= int(name) <= len(files):
        found = [int(name) - 1]
    if len({files[i] for i in found}) == 1:
        return found[0]
    why = "no photo goes by this name" if not found else "several photos go by this name"
    shown = enumerate(files[:LISTED], start=1)
    listing = ", ".join(f"{i} = {PurePath(file).name}" for i, file in shown)
    listing += ", ..." if len(files) > LISTED else ""
    raise UsageError(f"{flag} {name}: {why}; use a number: {listing}")
