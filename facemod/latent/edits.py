"""Edits of codes: the only thing that differs between commands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from facemod.errors import UsageError
from facemod.latent.codes import Codes, Scale

LISTED = 9  # photos that a complaint names


@dataclass(frozen=True)
class Mix:
    """Take ranges of slots from the codes of other photos, in order; later parts win."""

    parts: tuple[tuple[tuple[int, ...], Codes], ...]

    def apply(self, codes: Codes) -> Codes:
        for slots, source in self.parts:
            codes = codes.with_slots(slots, source.to(codes.styles.device))
        return codes


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
