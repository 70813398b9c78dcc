"""How far to move along presets: by a strength, to a level, or to that of another photo.

A *level* is where a face stands on a preset's scale, in strengths, 0 being the average face. It is
read off the codes by a linear measure that the preset's file holds, where photos tell one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from facemod.errors import UsageError
from facemod.latent.presets import SCENIC_PANEL, Box, CodeSpace, Preset, get_preset
from facemod.latent.steps import Steps, finite, fitting, moved, stacked

if TYPE_CHECKING:
    from torch import Tensor

    from facemod.latent.codes import Codes

TARGET, LIKE = "to:", "like:"
# Levels of presets that do nearly the same thing cannot be chosen apart from each other.
SMALLEST_INDEPENDENCE = 0.1
# No old mouth may shine through a new one, and no young skin through old skin.
YIELDING = 2.0


@dataclass(frozen=True)
class Strength:
    """One value on the command line: ``+1.5`` moves by that much, ``to:+1`` to that level."""

    value: float
    absolute: bool = False
    like: str = ""
    """The photo whose face has the level that is meant: ``value`` is unknown until it is read."""

    def __str__(self) -> str:
        if self.like:
            return f"{LIKE}{self.like}"
        return f"{TARGET if self.absolute else ''}{self.value:+g}"

    @property
    def short(self) -> str:
        """In the name of a file."""
        if self.like:
            return f"-like-{PurePath(self.like).stem}"
        return str(self).replace(":", "")


def parse_strength(text: str) -> Strength:
    """``1.5``, ``+1.5``, ``to:+1`` or ``like:other.jpg``.

    Raises:
        ValueError: it is none of these, or the number is not finite.
    """
    if text.startswith(LIKE) and text != LIKE:
        return Strength(math.nan, absolute=True, like=text.removeprefix(LIKE))
    absolute = text.startswith(TARGET)
    try:
        value = float(text.removeprefix(TARGET))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(
            f"{text!r} is not a valid number; write for example 1.5, {TARGET}1 or {LIKE}other.jpg"
        )
    return Strength(value, absolute)


@dataclass(frozen=True)
class PresetEdit:
    """An edit of codes by presets; the order in which they were named makes no difference."""

    shift: Tensor
    """[slots, dim], what the plain strengths add up to for every face alike."""
    steps: Steps
    """The plain strengths that grow shorter for some faces."""
    presets: tuple[Preset, ...]
    """Those that go to a level, sorted by name."""
    targets: Tensor
    """[presets], the levels."""
    directions: Tensor
    """[presets, slots, dim]"""
    levels: Tensor
    """[presets, slots, dim], the measures."""
    limited: bool
    """Whether to stay within the natural range on the way to a level."""
    region: tuple[Box, ...] = ()
    """Where on the face it may show, the boxes of all its presets; everywhere if empty."""
    scenic: bool = False
    """Whether a preset of it changes the light, and so the background, too."""

    def __call__(self, codes: Codes) -> Codes:
        """The codes, moved."""
        codes, shift = codes.giving_way(YIELDING), self._plain(codes)
        if not self.presets:
            return codes.shifted(shift)
        moves = self.strengths(codes).to(self.directions)
        return codes.shifted(shift + (moves @ self.directions.flatten(1)).view_as(shift))

    def strengths(self, codes: Codes) -> Tensor:
        """The strengths [N, presets] that bring each face to all levels at once."""
        import torch

        wanted = self._wanted(codes)
        return torch.clamp(wanted, *self._ranges()) if self.limited else wanted

    def notes(self, codes: Codes) -> list[str]:
        """A line for each step that a face needs little of, and for each preset whose level is
        beyond the natural range."""
        short = [note for style in codes.styles for note in self.steps.notes(style.to(self.shift))]
        if not (self.presets and self.limited):
            return short
        wanted, given = self._wanted(codes).tolist(), self.strengths(codes).tolist()
        return short + [
            f"--{preset.name} would need {w:+.2f} and gets {g:+.2f}, the end of its natural "
            "range; --force goes on"
            for rows in zip(wanted, given, strict=True)
            for preset, w, g in zip(self.presets, *rows, strict=True)
            if w != g
        ]

    def _plain(self, codes: Codes) -> Tensor:
        """What the plain strengths do to each face, [N, slots, dim]."""
        import torch

        # Face by face: sums of a batch may differ in their last bits from those of one face.
        return torch.stack([self.shift + self.steps.shift(s.to(self.shift)) for s in codes.styles])

    def _wanted(self, codes: Codes) -> Tensor:
        import torch

        # Each step along a preset moves the levels of the others, too: solve for all at once.
        leaks = moved(self.levels, self.directions, self.directions)
        leaks.fill_diagonal_(1)
        if torch.linalg.svdvals(leaks).min() < SMALLEST_INDEPENDENCE:
            names = ", ".join(f"--{preset.name}" for preset in self.presets)
            raise UsageError(
                f"{names}: too alike to go to a level each; give one of them a plain strength"
            )
        read = torch.einsum("psd,nsd->np", self.levels, codes.styles.to(self.shift))
        centres = torch.tensor([preset.level_centre for preset in self.presets])
        here = read - centres + moved(self.levels, self.directions, self._plain(codes)).T
        return torch.linalg.solve(leaks, (self.targets - here).T).T

    def _ranges(self) -> tuple[Tensor, Tensor]:
        import torch

        low, high = zip(*(preset.range for preset in self.presets), strict=True)
        return torch.tensor(low), torch.tensor(high)


def preset_edit(
    strengths: Mapping[str, Strength], space: CodeSpace, *, limited: bool = True
) -> PresetEdit:
    """The edit by presets of codes of one ``space``.

    Raises:
        UsageError: an unknown name, or a level of a preset that has no measure.
        ModelError: a preset is damaged or belongs to another kind of model.
    """
    import torch

    plain = {name: s.value for name, s in strengths.items() if not s.absolute}
    ended = {name: plain.pop(name) for name in sorted(plain) if get_preset(name).level_ends}
    names = sorted(name for name, s in strengths.items() if s.absolute)
    presets = tuple(levelled(name) for name in names)
    return PresetEdit(
        edit_direction(plain, space),
        Steps.along(ended, space),
        presets,
        torch.tensor([strengths[name].value for name in names]),
        stacked([fitting(p.direction(), p, space) for p in presets], space),
        stacked([fitting(p.level(), p, space) for p in presets], space),
        limited,
        common_region(strengths),
        any(get_preset(name).panel == SCENIC_PANEL for name in strengths),
    )


def like_others(
    strengths: Mapping[str, Strength], others: Mapping[str, Codes], space: CodeSpace
) -> dict[str, Strength]:
    """The strengths, with the levels of the faces in ``others`` where a photo was named.

    ``others`` holds the codes of one face for each name of a photo.

    Raises:
        UsageError: a preset measures no level.
        ModelError: a preset is damaged or belongs to another kind of model.
    """
    return {
        name: Strength(level_of(name, others[s.like], space), absolute=True) if s.like else s
        for name, s in strengths.items()
    }


def level_of(name: str, codes: Codes, space: CodeSpace) -> float:
    """Where the one face of ``codes`` stands on the scale of a preset; errors as above."""
    preset = levelled(name)
    measure = fitting(preset.level(), preset, space)
    read = float((codes.styles[0].to(measure) * measure).sum())
    return read - (preset.level_centre or 0.0)


def levelled(name: str) -> Preset:
    """The preset, if it measures a level; UsageError if not."""
    preset = get_preset(name)
    if preset.level_centre is None:
        raise UsageError(
            f"--{name}: this preset measures no level, so that {TARGET} and {LIKE} mean nothing to "
            "it; give a strength without"
        )
    return preset


def recipe_of(strengths: Mapping[str, Strength]) -> str:
    """The edit in words, for the mark."""
    return "edit " + " ".join(f"{name}={strengths[name]}" for name in sorted(strengths))


def check_ranges(strengths: Mapping[str, Strength], *, force: bool) -> list[str]:
    """A line for each strength outside of its preset's natural range.

    Raises:
        UsageError: a preset does not exist; or there are such, and nobody said ``force``.
    """
    ranges = {name: get_preset(name).range for name in strengths}
    beyond = [
        f"--{name} {strength} is beyond its natural range "
        f"({ranges[name][0]:+g} to {ranges[name][1]:+g})"
        for name, strength in strengths.items()
        if not strength.absolute and not ranges[name][0] <= strength.value <= ranges[name][1]
    ]
    if beyond and not force:
        raise UsageError(f"{'; '.join(beyond)}; --force does it all the same")
    return [f"{line}; expect artefacts" for line in beyond]


def common_region(names: Iterable[str]) -> tuple[Box, ...]:
    """Where on the face presets may show together; everywhere if one of them may."""
    regions = [get_preset(name).region for name in sorted(names)]
    return tuple(box for region in regions for box in region) if all(regions) else ()


def edit_direction(strengths: Mapping[str, float], space: CodeSpace) -> Tensor:
    """The sum [slots, dim] of presets at their strengths, for codes of ``space``.

    The order of ``strengths`` makes no difference, not even in the last bit.

    Raises:
        UsageError: an unknown name, or a strength that is not a finite number.
        ModelError: a preset is damaged or belongs to another kind of model.
    """
    import torch

    total = torch.zeros(space.slots, space.dim)
    for name in sorted(strengths):
        preset, strength = get_preset(name), finite(name, strengths[name])
        total += strength * fitting(preset.direction(), preset, space)
    return total
