"""Edits of codes: the only thing that differs between commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from facemod.errors import UsageError
from facemod.latent.codes import Codes, Scale


@dataclass(frozen=True)
class Shift:
    """Move codes along one direction [slots, dim]: the sum of all presets at their strengths."""

    direction: Tensor

    def apply(self, codes: Codes) -> Codes:
        return codes.shifted(self.direction)


@dataclass(frozen=True)
class Mix:
    """Take ranges of slots from the codes of other photos, in order; later parts win."""

    parts: tuple[tuple[tuple[int, ...], Codes], ...]

    def apply(self, codes: Codes) -> Codes:
        for slots, source in self.parts:
            codes = codes.with_slots(slots, source)
        return codes


Edit = Shift | Mix


def parse_slots(text: str, count: int) -> tuple[tuple[int, ...], str]:
    """``3-8=b`` or ``5=b`` -> the slots and the name of the source.

    Raises:
        UsageError: another form, or slots that the model does not have.
    """
    span, _, source = text.partition("=")
    first, _, last = span.partition("-")
    if not source or not first.isdigit() or (last and not last.isdigit()):
        raise UsageError(f"--slots {text}: expected FIRST-LAST=PHOTO, for example 3-8=b")
    low, high = int(first), int(last or first)
    if low > high or high >= count:
        raise UsageError(f"--slots {text}: this model has slots 0 to {count - 1}")
    return tuple(range(low, high + 1)), source


def mix_parts(
    codes: Sequence[Codes], names: Sequence[str], scales: Mapping[Scale, str], slots: Sequence[str]
) -> Mix:
    """The edit that takes whole scales, then explicit slots, from named photos.

    Args:
        codes: the codes of every photo, one face each.
        names: what the photos may be called, same order; 1-based positions work as well.
        scales: the photo that each scale comes from.
        slots: texts such as ``3-8=b``, applied after the scales.
    """
    base = codes[0]
    parts = [
        (base.slots(scale), codes[position(name, names, f"--{scale.value}-from")])
        for scale, name in scales.items()
    ]
    for text in slots:
        chosen, name = parse_slots(text, len(base.resolutions))
        parts.append((chosen, codes[position(name, names, "--slots")]))
    return Mix(tuple(parts))


def position(name: str, names: Sequence[str], flag: str) -> int:
    """Where the photo called ``name`` (its stem, file name or 1-based number) stands.

    Raises:
        UsageError: no photo, or more than one, goes by this name.
    """
    found = [i for i, known in enumerate(names) if name in (known, known.rpartition(".")[0])]
    if not found and name.isdigit() and 1 <= int(name) <= len(names):
        found = [int(name) - 1]
    if len(found) == 1:
        return found[0]
    why = "no photo goes by this name" if not found else "several photos go by this name"
    listing = ", ".join(f"{i} = {known}" for i, known in enumerate(names, start=1))
    raise UsageError(f"{flag} {name}: {why}; use a number: {listing}")
