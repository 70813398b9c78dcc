"""``facemod presets rename|remove|export|import``: the user's own presets as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facemod.cli.options import Printing
from facemod.cli.preset_options import reserved_names
from facemod.cli.result import Result
from facemod.latent import preset_files

Name = Annotated[str, typer.Argument(metavar="NAME", help="A preset.")]
OwnName = Annotated[str, typer.Argument(metavar="NAME", help="A preset of your own.")]


def presets_rename(
    name: OwnName,
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    printing: Printing,
) -> Result:
    """Give a preset of your own another name."""
    path = preset_files.rename_preset(name, new, reserved_names())
    return _told("presets rename", f"{name} is called {new} now", path)


def presets_remove(name: OwnName, printing: Printing) -> Result:
    """Delete a preset of your own."""
    path = preset_files.remove_preset(name)
    return _told("presets remove", f"{name} is gone", path)


def presets_export(
    name: Name,
    printing: Printing,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A folder or a file.", show_default="here")
    ] = Path(),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
) -> Result:
    """Copy a preset to a file, to keep it or to give it away."""
    path = preset_files.export_preset(name, output, overwrite=overwrite)
    return _told("presets export", f"{name} -> {path}", path)


def presets_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A preset file.")],
    printing: Printing,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it; default: its own name.")
    ] = None,
) -> Result:
    """Check a preset file and install it among your own."""
    from facemod.models.registry import load_model

    space = load_model("bundled", "cpu").info.space
    path = preset_files.import_preset(file, name, reserved_names(), space)
    return _told("presets import", f"installed; try facemod edit PHOTO --{path.stem} +1", path)


def _told(command: str, words: str, path: Path) -> Result:
    return Result(command, data={"file": str(path)}, messages=(words,))
