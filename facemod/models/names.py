"""What ``--model`` may name. Imports no torch, so that a wrong name is refused at once."""

from __future__ import annotations

from pathlib import Path

from facemod.errors import UsageError
from facemod.models.store import RESERVED, SUFFIX, stored_models

BUNDLED = RESERVED


def model_names() -> list[str]:
    """The names of the bundled model and of the user's own, the bundled one first."""
    return [BUNDLED, *stored_models()]


def check_model(name: str) -> None:
    """Raise UsageError when ``--model`` names neither a model nor a model file."""
    if name != BUNDLED:
        model_file(name)


def model_file(name: str) -> tuple[Path, str]:
    """The file of a model that is not the bundled one, and what the model is called.

    Raises:
        UsageError: there is no such model.
    """
    stored = stored_models()
    if name in stored:
        return stored[name].path, name
    path = Path(name)
    if path.suffix == SUFFIX or path.is_file():
        return path, path.name.removesuffix(SUFFIX)
    raise UsageError(
        f"--model {name}: no such model; there is {', '.join(model_names())}. "
        "`facemod models pull` fetches published ones, and --model takes a model file"
    )
