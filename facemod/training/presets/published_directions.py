"""Directions of w that others published, and what recipes make of them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.latent.presets import find_presets, preset_folders
from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM
from facemod.training.presets.published_recipes import NAMES, OWN, TOLD, Part, Published


@dataclass(frozen=True)
class Directions:
    """Published directions by name, each [slots, dim]."""

    known: Mapping[str, Tensor]

    @classmethod
    def read(cls, path: Path) -> Directions:
        """An npz of directions [dim] or [slots, dim]; ``NAME/comp`` [axes, 1, dim] gives one
        direction ``NAME/NUMBER`` for each axis.

        Raises:
            InputError: the file is missing or damaged, or holds something of another shape.
        """
        known: dict[str, Tensor] = {}
        try:
            with np.load(path) as file:
                for name in file:
                    known |= _named(name, torch.from_numpy(file[name]).float())
        except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: not an npz of directions ({error})") from error
        return cls(known)

    def with_learnt(self) -> Directions:
        """Also the presets that ship and were not published, as ``facemod/NAME``.

        Raises:
            ModelError: one of their files is damaged.
        """
        shipped, _ = find_presets(preset_folders()[:1])
        learnt = {name: preset for name, preset in shipped.items() if name not in NAMES}
        own = {f"{OWN}/{name}": preset.direction() for name, preset in learnt.items()}
        return Directions({**self.known, **own})

    def with_told(self, told: Mapping[str, Tensor]) -> Directions:
        """Also directions [slots, dim] that labels of photos tell, as ``told/NAME``."""
        return Directions({**self.known, **{f"{TOLD}/{name}": d for name, d in told.items()}})

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.known:
            raise InputError(f"the file of directions holds no {name}, which a recipe asks for")
        return self.known[name]

    def of(self, recipe: Published) -> Tensor:
        """The direction [slots, dim] of a recipe: guarded, in its slots alone, one step long."""
        return sum((self._part(part, recipe.held) for part in recipe.parts), torch.zeros(()))

    def _part(self, part: Part, held: Sequence[str]) -> Tensor:
        mixed = sum((k * self[name] for name, k in part.terms.items()), torch.zeros(()))
        guarded = without(mixed, [self[name] for name in held])
        first, last = part.slots
        kept = torch.zeros(SLOTS, STYLE_DIM)
        kept[first : last + 1] = guarded[first : last + 1]
        return kept


def _named(name: str, found: Tensor) -> dict[str, Tensor]:
    """One array of the file as directions [slots, dim]; what is none of ours is left out."""
    if name.endswith("/comp") and found.ndim == 3:
        axes = {f"{name.removesuffix('comp')}{i}": axis[0] for i, axis in enumerate(found)}
        return {key: axis.expand(SLOTS, STYLE_DIM) for key, axis in axes.items()}
    if tuple(found.shape) in ((STYLE_DIM,), (SLOTS, STYLE_DIM)):
        return {name: found.expand(SLOTS, STYLE_DIM)}
    return {}


def without(direction: Tensor, guards: Sequence[Tensor]) -> Tensor:
    """``direction`` [slots, dim] less what lies along the guards [slots, dim], slot by slot."""
    if not guards:
        return direction
    base, _ = torch.linalg.qr(torch.stack(list(guards), dim=2))  # [slots, dim, guards]
    return direction - (base @ (base.mT @ direction[:, :, None]))[:, :, 0]
