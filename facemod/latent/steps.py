"""How far steps along presets take a face that has some of what they add already.

``--glasses +1`` over a folder is to put glasses on those who wear none; on those who do, a whole
step more makes sunglasses of them. Where people's labels told the level of a preset, its file also
holds at which level faces have nothing of it, and at which all. A step loses as much of itself, up
to a strength of 1, as a face is past the middle of that way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from facemod.errors import ModelError, UsageError
from facemod.latent.presets import CodeSpace, Preset, get_preset

if TYPE_CHECKING:
    from torch import Tensor

TOLD_BELOW = 0.5  # of a strength: of a step that is cut to less, people are told


def remaining(strength: float, level: float, ends: tuple[float, float]) -> float:
    """What is left of a step of ``strength`` for a face that stands at ``level``.

    ``ends`` are the levels of faces that have nothing, and all, of what the preset adds. Up to the
    middle between them (downwards: down to it) steps keep their length; at the end they are shorter
    by 1, or nothing.
    """
    low, high = ends
    way = (level - (low + high) / 2) / ((high - low) / 2)
    toward = 1 if strength > 0 else -1
    share = min(max(toward * way, 0.0), 1.0)
    return strength - toward * share * min(abs(strength), 1.0)


@dataclass(frozen=True)
class Steps:
    """Plain steps along presets that know where they end, sorted by name."""

    names: tuple[str, ...]
    strengths: tuple[float, ...]
    """As they were given."""
    directions: Tensor
    """[steps, slots, dim]"""
    levels: Tensor
    """[steps, slots, dim], the measures."""
    centres: tuple[float, ...]
    """What the measures give for the average face."""
    ends: tuple[tuple[float, float], ...]

    @classmethod
    def along(cls, strengths: Mapping[str, float], space: CodeSpace) -> Steps:
        """Steps along presets whose files know where they end.

        Raises:
            UsageError: an unknown name, or a strength that is not a finite number.
            ModelError: a preset is damaged or belongs to another kind of model.
        """
        presets = [get_preset(name) for name in sorted(strengths)]
        return cls(
            tuple(preset.name for preset in presets),
            tuple(finite(preset.name, strengths[preset.name]) for preset in presets),
            stacked([fitting(p.direction(), p, space) for p in presets], space),
            stacked([fitting(p.level(), p, space) for p in presets], space),
            tuple(p.level_centre or 0.0 for p in presets),
            tuple(p.level_ends for p in presets if p.level_ends),
        )

    def lengths(self, style: Tensor) -> list[float]:
        """The strengths that one face [slots, dim] gets."""
        read = [float((style * measure).sum()) for measure in self.levels]
        known = zip(self.strengths, read, self.centres, self.ends, strict=True)
        return [remaining(strength, at - centre, ends) for strength, at, centre, ends in known]

    def shift(self, style: Tensor) -> Tensor:
        """How far one face [slots, dim] is moved, [slots, dim]."""
        total = style.new_zeros(self.directions.shape[1:])
        for length, direction in zip(self.lengths(style), self.directions, strict=True):
            total = total + length * direction
        return total

    def notes(self, style: Tensor) -> list[str]:
        """A line for each step of which little is left for one face."""
        known = zip(self.names, self.strengths, self.lengths(style), strict=True)
        return [
            f"--{name} {given:+g} becomes {left:+.2f}: the face is most of the way there already"
            for name, given, left in known
            if abs(left) < TOLD_BELOW * min(abs(given), 1.0)
        ]


def moved(levels: Tensor, directions: Tensor, shifts: Tensor) -> Tensor:
    """What ``shifts`` [N, slots, dim] do to the levels of presets [P, slots, dim]: [P, N].

    Levels are stretched, because codes understate what photos show, and shifts are exact. So they
    are worth as much less as a preset's own step, which is worth 1, would seem more.
    """
    measures = levels.flatten(1)
    own = (measures * directions.flatten(1)).sum(1, keepdim=True)
    return measures @ shifts.flatten(1).T / own.clamp(min=1)


def finite(name: str, strength: float) -> float:
    """The strength of a preset; UsageError if it is not a finite number."""
    if not math.isfinite(strength):
        raise UsageError(f"--{name} {strength}: expected a finite number")
    return strength


def fitting(tensor: Tensor, preset: Preset, space: CodeSpace) -> Tensor:
    """``tensor`` of a preset; ModelError if the preset was made for another model."""
    if preset.family != space.family:
        raise ModelError(
            f"{preset.path}: made for {preset.family} models, not for {space.family}; `facemod "
            "presets list` shows what each preset fits"
        )
    if preset.model not in ("", space.model):
        raise ModelError(
            f"--{preset.name}: made for the model {preset.model}, not for {space.model}"
        )
    if tensor.shape != (space.slots, space.dim):
        shape = " x ".join(map(str, tensor.shape))
        raise ModelError(
            f"{preset.path}: has {shape} numbers, the model {space.slots} x {space.dim}"
        )
    return tensor


def stacked(tensors: Sequence[Tensor], space: CodeSpace) -> Tensor:
    """Those of several presets, [N, slots, dim]."""
    import torch

    return torch.stack(list(tensors)) if tensors else torch.zeros(0, space.slots, space.dim)
