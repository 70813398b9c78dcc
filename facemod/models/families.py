"""The families whose models are files, and opening such a file."""

from __future__ import annotations

from pathlib import Path

from facemod.errors import ModelError
from facemod.models import automodulator, balanced_pioneer, pioneer
from facemod.models.sphere.model import SphereModel, read_model
from facemod.models.sphere.published import Checkpoint

FAMILIES = {family.FAMILY: family for family in (automodulator, pioneer, balanced_pioneer)}


def open_model(path: Path, name: str, device: str = "cpu") -> SphereModel:
    """Load a model file of any family.

    Raises:
        ModelError: the file is missing, damaged, or no model file.
    """
    build = {name: family.networks for name, family in FAMILIES.items()}
    facts, networks, centre = read_model(path, build)
    return FAMILIES[facts.family].load(name, facts, networks, centre, device)


def family_of(checkpoint: Checkpoint) -> str:
    """The family of a published checkpoint; ModelError if it is of none."""
    for name, family in FAMILIES.items():
        if family.detect(checkpoint.decoder):
            return name
    raise ModelError(
        f"{checkpoint.path}: its decoder is none of {', '.join(FAMILIES)} as published; refused "
        "rather than guessed at"
    )
