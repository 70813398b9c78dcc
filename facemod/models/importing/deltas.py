"""The published attribute deltas of automodulators, as presets for the model they were made for.

A delta is the mean difference of latents with and without an attribute. Its authors add it to the
latent of the middle levels only (16 to 64 px) and do not bring the sum back to the sphere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facemod.errors import ModelError
from facemod.files.atomic import atomic_path
from facemod.files.digests import sha256_of
from facemod.files.folders import presets_folder
from facemod.latent import presets
from facemod.latent.codes import Scale, slots_of
from facemod.models.automodulator.model import FAMILY
from facemod.models.sphere.growing import LATENT, resolution_of
from facemod.models.sphere.published import check_tensor
from facemod.weights.files import save_weights


@dataclass(frozen=True)
class Delta:
    """A published delta: the model it is for, that model's levels, and how it was made."""

    preset: str
    model: str
    levels: int
    meaning: str
    source: str


# By the first 16 digits of the file's sha256; names alone say nothing about the model.
DELTAS = {
    "f824a06bd3b7fd46": Delta(
        "smile-ffhq512", "ffhq512", 8, "smile more, or less; ffhq512 only",
        "published delta smile_delta512-16, 16 faces on each side",
    ),
    "e1c47fbbe38d4a0a": Delta(
        "smile-ffhq512-4", "ffhq512", 8, "smile more, or less; ffhq512 only, from few faces",
        "published delta smile_delta512-4, 4 faces",
    ),
}  # fmt: skip
EARLIER = {"09d397f08b495125", "ec343351d779e74d", "c3052ee2ec8fd825", "7b9480347a9442ad"}
# The authors' own examples: +0.5 adds a smile, -1.5 removes one.
RANGE = (-1.5, 1.0)


def import_delta(tensor: Tensor, path: Path, *, overwrite: bool = False) -> tuple[Delta, Path]:
    """Write a published delta as a preset of the user's; returns what it is and where it went.

    Raises:
        ModelError: it is not one that is known to belong to a published model.
        OutputExistsError: the preset is there already.
    """
    check_tensor(tensor, "the delta", path)
    delta = known_delta(path)
    if tensor.shape not in ((LATENT,), (1, LATENT)):
        shape = " x ".join(map(str, tensor.shape))
        raise ModelError(f"{path}: a delta has {LATENT} numbers, not {shape}")
    slots = slots_of(Scale.MID, [resolution_of(level) for level in range(delta.levels)], FAMILY)
    direction = torch.zeros(delta.levels, LATENT)
    direction[list(slots)] = tensor.reshape(LATENT).float()
    target = presets_folder() / f"{delta.preset}{presets.SUFFIX}"
    with atomic_path(target, overwrite=overwrite) as temporary:
        state = {presets.TENSOR: direction}
        save_weights(temporary, state, facts_of(delta, slots), dtype=torch.float32)
    return delta, target


def known_delta(path: Path) -> Delta:
    """Which published delta a file is; ModelError if it is none that can be used."""
    digest = sha256_of(path)[:16]
    if digest in EARLIER:
        raise ModelError(
            f"{path}: made for an earlier model that was never published; on ffhq512 it means "
            "nothing (its cosine with the smile of that model is 0.05)"
        )
    if digest not in DELTAS:
        raise ModelError(
            f"{path}: not a published delta that is known (sha256 {digest}...); a delta only means "
            "something to the model it was made with, and the file does not name it"
        )
    return DELTAS[digest]


def facts_of(delta: Delta, slots: tuple[int, ...]) -> dict[str, Any]:
    """The facts of the preset."""
    return {
        "name": delta.preset,
        "meaning": delta.meaning,
        "panel": "Own",
        "range": list(RANGE),
        "slots": [slots[0], slots[-1]],
        "family": FAMILY,
        "model": delta.model,
        "guards": [],
        "effects": {},
        "source": delta.source,
    }
