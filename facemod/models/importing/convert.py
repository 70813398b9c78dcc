"""Turning published checkpoints into models of the user's: once, checked, without pickles after."""

from __future__ import annotations

import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facemod.errors import ModelError, OutputExistsError
from facemod.files.atomic import atomic_path
from facemod.files.digests import sha256_of
from facemod.models.importing.deltas import import_delta
from facemod.models.importing.pickles import read_pickle
from facemod.models.importing.releases import RELEASES
from facemod.models.registry import format_of, open_model
from facemod.models.sphere.model import Facts, centre_of, write_model
from facemod.models.sphere.published import Checkpoint, Tensors
from facemod.models.store import SUFFIX, Stored, note, place_for
from facemod.weights.files import fill


@dataclass(frozen=True)
class Imported:
    """What became of a file: the facts of the model or preset it made, and what to know of it."""

    facts: dict[str, Any]
    notes: tuple[str, ...] = ()


def import_file(
    path: Path, name: str | None = None, *, url: str | None = None, overwrite: bool = False
) -> Imported:
    """Convert a published checkpoint into a model, or a published delta into a preset.

    A model file, such as training writes, becomes a model of that name as it is.

    Args:
        path: the pickle as published, or a model file.
        name: what to call the model; by default its name upstream, or that of the file.
        url: where the file came from, for the record.
        overwrite: an installed model (or preset) of that name may be replaced.

    Raises:
        UsageError: the name cannot be one.
        OutputExistsError: there is a model (or preset) of that name.
        ModelError: the file holds nothing that can be used, or something other than weights.
    """
    target = place_for(name or default_name(path))
    if path.suffix == SUFFIX:
        return adopt(path, target, overwrite=overwrite)
    content = read_pickle(path)
    if isinstance(content, Tensor):
        delta, preset = import_delta(content, path, overwrite=overwrite)
        use = f"use it by facemod edit --model {delta.model} --{delta.preset} STRENGTH"
        return Imported({**asdict(delta), "file": str(preset)}, (use,))
    refuse_taken(target, overwrite=overwrite)
    checkpoint = Checkpoint.read(content, path)
    facts = convert(checkpoint, target, overwrite=overwrite)
    note(target, {"file": path.name, "sha256": sha256_of(path), "url": url})
    found = {"name": target.name, **asdict(facts), "file": str(target.path)}
    return Imported(found, notes_on(checkpoint))


def adopt(path: Path, target: Stored, *, overwrite: bool) -> Imported:
    """Make a model file one of the user's models, once it has proved to be whole."""
    refuse_taken(target, overwrite=overwrite)
    info = open_model(path, target.name).info
    with atomic_path(target.path, overwrite=overwrite) as temporary:
        shutil.copyfile(path, temporary)
    note(target, {"file": path.name, "sha256": sha256_of(path), "url": None})
    return Imported({**asdict(info), "file": str(target.path)})


def refuse_taken(target: Stored, *, overwrite: bool) -> None:
    """Raise OutputExistsError if there is a model of that name that may not be replaced."""
    if target.path.exists() and not overwrite:
        raise OutputExistsError(
            f"a model called {target.name} is installed already; --overwrite replaces it, --name "
            "gives another name"
        )


def default_name(path: Path) -> str:
    """What a checkpoint is called when nobody says: as its authors do, or as its file."""
    published = {release.file: name for name, release in RELEASES.items()}
    return published.get(path.name) or re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")


def convert(checkpoint: Checkpoint, target: Stored, *, overwrite: bool) -> Facts:
    """Write a checkpoint as a model file and return what its header says."""
    form = format_of(checkpoint)
    facts, *states = form.convert(checkpoint)
    with torch.device("meta"):
        networks = form.networks(facts)
    for network, state in zip(networks, states, strict=True):
        fill(network, finite(state, checkpoint.path), checkpoint.path, assign=True)
    nowhere = torch.zeros(facts.latent)
    centre = centre_of(form.load(target.name, facts, networks, nowhere, "cpu"))
    if not torch.isfinite(centre).all():
        raise ModelError(f"{checkpoint.path}: its networks do not compute finite pictures")
    write_model(target.path, facts, networks, centre, overwrite=overwrite)
    return facts


def finite(state: Tensors, path: Path) -> Tensors:
    """The tensors in float32; ModelError if scaling made any of them infinite."""
    single = {name: tensor.float() for name, tensor in state.items()}
    for name, tensor in single.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(f"{path}: {name} cannot be normalised (a weight is zero or too large)")
    return single


def notes_on(checkpoint: Checkpoint) -> tuple[str, ...]:
    """What is worth knowing about a checkpoint before using its model."""
    if 0 <= checkpoint.fade < 1:
        return (
            f"its newest level was still fading in ({checkpoint.fade:.0%}); it is used in full, "
            "as its authors do",
        )
    return ()
