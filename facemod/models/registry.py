"""Which models there are, and how to load one by name."""

from __future__ import annotations

from facemod.errors import UsageError
from facemod.models import wavelet
from facemod.models.base import FaceModel

BUNDLED = "bundled"
LOADERS = {BUNDLED: wavelet.load}


def model_names() -> list[str]:
    """The names that :func:`load_model` accepts."""
    return sorted(LOADERS)


def load_model(name: str = BUNDLED, device: str = "cpu") -> FaceModel:
    """Load a model by name onto a torch device (``cpu``, ``cuda``, ``cuda:1``, ``mps``).

    Raises:
        UsageError: no model has this name.
        ModelError: its weight files are missing or damaged.
    """
    if name not in LOADERS:
        raise UsageError(f"--model {name}: no such model; there is {', '.join(model_names())}")
    return LOADERS[name](device)
