"""The user's own presets as files: put in, renamed, taken out.

Presets that come with facemod are never touched.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Collection
from pathlib import Path

from facemod.errors import ModelError, OutputError, OutputExistsError, UsageError
from facemod.files.atomic import write_bytes
from facemod.files.folders import presets_folder
from facemod.latent.presets import (
    LEVEL_TENSOR,
    NAME,
    SUFFIX,
    CodeSpace,
    Preset,
    find_presets,
    get_preset,
    read_facts,
)
from facemod.weights.headers import read_header


def check_name(name: str, reserved: Collection[str], *, replaced: Path | None = None) -> None:
    """Refuse a name that no new preset can have, but for the one in the file ``replaced``.

    Raises:
        UsageError: it is no preset's name, an option of the command line, or taken.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} cannot be a preset's name: lower case letters, digits and single hyphens, "
            "beginning with a letter"
        )
    if name in reserved:
        raise UsageError(f"--{name} is an option of facemod edit already; choose another name")
    presets, _ = find_presets()
    taken = presets.get(name)
    if taken is not None and taken.path != replaced:
        raise UsageError(f"a preset is called {name} already ({taken.path}); choose another name")


def check_preset(path: Path, space: CodeSpace) -> Preset:
    """The facts of a preset file whose every number was looked at.

    Raises:
        ModelError: it is damaged, for another kind of model, or contradicts itself.
    """
    preset = read_facts(path)
    if preset.family != space.family:
        raise ModelError(f"{path}: made for {preset.family} models, not for {space.family}")
    tensors = {"direction": preset.direction()}
    if preset.level_centre is not None:
        tensors[LEVEL_TENSOR] = preset.level()
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != (space.slots, space.dim):
            shape = " x ".join(map(str, tensor.shape))
            raise ModelError(f"{path}: its {name} has {shape} numbers, the model {space.slots} x "
                             f"{space.dim}")  # fmt: skip
        if not tensor.any():
            raise ModelError(f"{path}: its {name} is zero; it would do nothing")
    return preset


def check_new_file(path: Path, name: str, *, overwrite: bool) -> None:
    """Refuse a place where the preset ``name`` cannot be written.

    Raises:
        UsageError: the file is not called like the preset.
        OutputExistsError: it exists already.
    """
    if path.name != f"{name}{SUFFIX}":
        raise UsageError(f"{path}: the file of {name} is called {name}{SUFFIX}; name a folder, or "
                         "that")  # fmt: skip
    if os.path.lexists(path) and not overwrite:
        raise OutputExistsError(f"{path} exists already; --overwrite replaces it")


def plain_meaning(name: str) -> str:
    """The meaning of a preset about which nobody said more than its name."""
    return f"more {name}, or less"


def renamed(path: Path, name: str) -> bytes:
    """The bytes of a preset file under another name."""
    header, content = read_header(path), path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    facts = json.loads(header["__metadata__"]["config"])
    if facts.get("meaning") == plain_meaning(str(facts["name"])):
        facts["meaning"] = plain_meaning(name)
    header["__metadata__"]["config"] = json.dumps({**facts, "name": name}, sort_keys=True)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def own_path(name: str) -> Path:
    """Where the user's preset of that name is kept."""
    return presets_folder() / f"{name}{SUFFIX}"


def own_preset(name: str) -> Preset:
    """A preset of the user's own; UsageError for one that came with facemod."""
    preset = get_preset(name)
    if preset.path.parent != presets_folder():
        raise UsageError(f"{name} came with facemod; only presets of your own can be changed")
    return preset


def rename_preset(name: str, new: str, reserved: Collection[str]) -> Path:
    """Rename a preset of the user's own and return its new path."""
    preset = own_preset(name)
    check_name(new, reserved)
    write_bytes(renamed(preset.path, new), own_path(new))
    _delete(preset.path)
    return own_path(new)


def remove_preset(name: str) -> Path:
    """Delete a preset of the user's own and return where it was."""
    path = own_preset(name).path
    _delete(path)
    return path


def import_preset(
    path: Path, name: str | None, reserved: Collection[str], space: CodeSpace
) -> Path:
    """Check a preset file and put it among the user's own, called ``name`` or like itself."""
    preset = check_preset(path, space)
    chosen = name or preset.name
    try:
        check_name(chosen, reserved)
    except UsageError as problem:
        raise UsageError(f"{problem} (--name gives it another)") from None
    write_bytes(renamed(path, chosen), own_path(chosen))
    return own_path(chosen)


def export_preset(name: str, target: Path, *, overwrite: bool) -> Path:
    """Copy any preset to a file or into a folder, and return where it is."""
    preset = get_preset(name)
    if target.is_dir() or target.suffix != SUFFIX:
        target = target / f"{name}{SUFFIX}"
    write_bytes(preset.path.read_bytes(), target, overwrite=overwrite)
    return target


def _delete(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed ({error.strerror})") from error
