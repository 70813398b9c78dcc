"""The user's own models: one folder, one safetensors file per model, a record beside each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facemod.errors import ModelError, UsageError
from facemod.files.atomic import write_bytes
from facemod.files.digests import sha256_of
from facemod.files.folders import models_folder
from facemod.weights.headers import read_config

SUFFIX = ".safetensors"
NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
RESERVED = "bundled"
FIRST_USE = "downloads.json"


@dataclass(frozen=True)
class Stored:
    """A model of the user's."""

    name: str
    path: Path

    @property
    def record_path(self) -> Path:
        return self.path.with_suffix(".json")

    def facts(self) -> dict[str, Any]:
        """What its header says; ModelError if the file is damaged."""
        return read_config(self.path)

    def record(self) -> dict[str, Any]:
        """What was noted when it was installed; empty for a file that was put there by hand."""
        return read_json(self.record_path)


def stored_models() -> dict[str, Stored]:
    """The user's models by name, sorted."""
    paths = sorted(models_folder().glob(f"*{SUFFIX}"))
    found = (Stored(path.name.removesuffix(SUFFIX), path) for path in paths)
    return {model.name: model for model in found if is_name(model.name)}


def stored_model(name: str) -> Stored:
    """The user's model of a name; UsageError if there is none."""
    models = stored_models()
    if name not in models:
        there = f"there is {', '.join(models)}" if models else "there are none yet"
        raise UsageError(f"no model of yours is called {name}; {there}")
    return models[name]


def place_for(name: str) -> Stored:
    """Where a new model of this name goes; UsageError for a name that cannot be one."""
    if not is_name(name):
        raise UsageError(
            f"--name {name}: use lower case letters and digits, with single . _ - between them; "
            f"{RESERVED} is taken"
        )
    return Stored(name, models_folder() / f"{name}{SUFFIX}")


def is_name(text: str) -> bool:
    """Whether a model may be called this."""
    return NAME.fullmatch(text) is not None and text != RESERVED


def note(model: Stored, origin: Mapping[str, Any]) -> None:
    """Record where a model came from, and what its file must always hash to."""
    record = {"sha256": sha256_of(model.path), "origin": dict(origin)}
    write_json(model.record_path, record)


def remove(model: Stored) -> None:
    """Delete a model and its record."""
    try:
        model.path.unlink()
        model.record_path.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{model.path}: cannot be removed ({error.strerror})") from error


def check_unchanged(model: Stored) -> str:
    """How the file compares with its record, in words; ModelError if it was changed."""
    expected = model.record().get("sha256")
    if expected is None:
        return "no record to compare with"
    if sha256_of(model.path) != expected:
        raise ModelError(
            f"{model.path}: has changed since it was installed; remove it and import or pull it "
            "again"
        )
    return "unchanged"


def refuse_changed(file: str, digest: str) -> None:
    """Raise ModelError when another file of this name was used here before."""
    known = read_json(models_folder() / FIRST_USE).get(file, digest)
    if known != digest:
        raise ModelError(
            f"{file}: the file that was served is not the one that was first used here "
            f"(sha256 {digest[:16]}..., not {str(known)[:16]}...); refused. If the authors did "
            f"publish a new one, delete its line from {models_folder() / FIRST_USE}"
        )


def remember(file: str, digest: str) -> None:
    """Note the sha256 of a downloaded file that proved good."""
    write_json(models_folder() / FIRST_USE, read_json(models_folder() / FIRST_USE) | {file: digest})


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object; empty if there is no file, ModelError if it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path}: damaged; delete it")
    return content


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a small JSON object, whole or not at all."""
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    write_bytes(text.encode(), path, overwrite=True)
