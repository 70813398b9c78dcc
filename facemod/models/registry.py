"""Which models there are, and how to load one by name or file."""

from __future__ import annotations

from pathlib import Path

from facemod.errors import UsageError
from facemod.models import wavelet
from facemod.models.base import FaceModel
from facemod.models.store import RESERVED, SUFFIX, stored_models

BUNDLED = RESERVED
LOADERS = {BUNDLED: wavelet.load}


def model_names() -> list[str]:
    """The names that :func:`load_model` accepts, the bundled one first."""
    return [*sorted(LOADERS), *stored_models()]


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
    from facemod.models.families import open_model

    stored = stored_models()
    if name in stored:
        return open_model(stored[name].path, name, device)
    path = Path(name)
    if path.suffix == SUFFIX or path.is_file():
        return open_model(path, path.name.removesuffix(SUFFIX), device)
    raise UsageError(
        f"--model {name}: no such model; there is {', '.join(model_names())}. "
        "`facemod models pull` fetches published ones, and --model takes a model file"
    )
