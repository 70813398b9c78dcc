"""Strengths to choose from: several over a preset's natural range, for sheets and previews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from facemod.latent.presets import Preset, get_preset
from facemod.latent.strengths import Strength

LEVELS = (-2.0, -1.0, 0.0, 1.0, 2.0)
"""Those that are shown of a preset that goes to a level."""


def spread(preset: Preset) -> list[Strength]:
    """Five strengths over a preset's range, 0 in the middle if the range holds it."""
    low, high = preset.range
    middle = min(max(0.0, low), high)
    if middle in (low, high):
        middle = (low + high) / 2
    values = (low, (low + middle) / 2, middle, (middle + high) / 2, high)
    return [Strength(round(value, 3)) for value in values]


def spread_around(given: Strength, preset: Preset) -> list[Strength]:
    """Five strengths, or levels, with the ``given`` one in the place of the nearest.

    No change at all stays among them if it was.
    """
    others = [Strength(v, True) for v in LEVELS] if given.absolute else spread(preset)
    if given in others:
        return others
    movable = [other for other in others if other.absolute or other.value]
    nearest = min(movable, key=lambda other: abs(other.value - given.value))
    left = [other for other in others if other != nearest]
    return sorted([*left, given], key=lambda strength: strength.value)


def rows_around(chosen: Mapping[str, Strength]) -> list[list[dict[str, Strength]]]:
    """A row for each chosen preset, which goes over its range while the others stay as chosen."""
    rows = []
    for name, given in chosen.items():
        others = {other: strength for other, strength in chosen.items() if other != name}
        row = spread_around(given, get_preset(name))
        rows.append([{name: strength, **others} for strength in row])
    return rows


def extremes(preset: Preset) -> list[Strength]:
    """-1 and +1, or the ends of the range before; half and all of the way on its one side."""
    low, high = max(preset.range[0], -1.0), min(preset.range[1], 1.0)
    if not low:
        low = high / 2
    elif not high:
        high = low / 2
    return [Strength(low), Strength(high)]


def written(strengths: Mapping[str, Strength]) -> str:
    """Strengths in a few words, to two decimals, such as ``smile +1, age -0.5``."""
    rounded = {name: replace(s, value=round(s.value, 2), like="") for name, s in strengths.items()}
    return ", ".join(f"{name} {strength}" for name, strength in rounded.items())
