"""Which families and models there are, and how to load a model by name or file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from facemod.errors import ModelError, UsageError
from facemod.models import automodulator, balanced_pioneer, pioneer, wavelet
from facemod.models.base import FaceModel
from facemod.models.family import Family, FileFormat
from facemod.models.names import BUNDLED, model_file
from facemod.models.sphere.model import read_model
from facemod.models.sphere.published import Checkpoint

FAMILIES: dict[str, Family] = {
    folder.FAMILY.name: folder.FAMILY
    for folder in (wavelet, automodulator, pioneer, balanced_pioneer)
}
FORMATS: dict[str, FileFormat] = {
    name: family.files for name, family in FAMILIES.items() if family.files is not None
}
LOADERS: dict[str, Callable[[str], FaceModel]] = {
    BUNDLED: next(family.bundled for family in FAMILIES.values() if family.bundled is not None)
}


def load_model(name: str = BUNDLED, device: str = "cpu", noise: int | None = None) -> FaceModel:
    """Load a model by name, or from a model file.

    Args:
        name: ``bundled``, the name of an installed model, or the path of a model file.
        device: a torch device (``cpu``, ``cuda``, ``cuda:1``, ``mps``).
        noise: switch the decoder's noise on and draw it from this seed (automodulators only).

    Raises:
        UsageError: no model has this name, or it has no noise to switch on.
        ModelError: its weight files are missing or damaged.
    """
    model = LOADERS[name](device) if name in LOADERS else _load_file(name, device)
    if noise is not None:
        if not hasattr(model, "noise_seed"):
            raise UsageError(
                f"--noise: the decoder of {name} has no noise to switch on; leave --noise out, or "
                "use a model of the automodulator family"
            )
        model.noise_seed = noise
    return model


def _load_file(name: str, device: str) -> FaceModel:
    path, called = model_file(name)
    return open_model(path, called, device)


def open_model(path: Path, name: str, device: str = "cpu") -> FaceModel:
    """Load a model file of any family.

    Raises:
        ModelError: the file is missing, damaged, or no model file.
    """
    build = {name: form.networks for name, form in FORMATS.items()}
    facts, networks, centre = read_model(path, build)
    return FORMATS[facts.family].load(name, facts, networks, centre, device)


def format_of(checkpoint: Checkpoint) -> FileFormat:
    """The format of a published checkpoint; ModelError if it is of no family."""
    for form in FORMATS.values():
        if form.detect(checkpoint.decoder):
            return form
    raise ModelError(
        f"{checkpoint.path}: its decoder is none of {', '.join(FORMATS)} as published; refused "
        "rather than guessed at"
    )
