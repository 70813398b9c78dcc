"""``facemod presets rename|remove|export|import``: the user's own presets as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facemod.cli.completing import preset_names
from facemod.cli.options import Printing
from facemod.cli.preset_options import reserved_names
from facemod.cli.result import Result
from facemod.errors import UsageError
from facemod.latent import preset_files
from facemod.latent.presets import read_facts

Name = Annotated[str, typer.Argument(metavar="NAME", help="A preset.", autocompletion=preset_names)]
OwnName = Annotated[
    str, typer.Argument(metavar="NAME", help="A preset of your own.", autocompletion=preset_names)
]


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
    destination: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER|FILE]", help="Where to; default: here.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The same.", show_default=False)
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
) -> Result:
    """Copy a preset to a file, to keep it or to give it away."""
    if destination and output:
        raise UsageError(f"{destination} and -o {output} both say where to; give one of them")
    place = destination or output or Path()
    path = preset_files.export_preset(name, place, overwrite=overwrite)
    return _told("presets export", f"{name} -> {path}", path)


def presets_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A preset file.")],
    printing: Printing,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call it; default: its own name.")
    ] = None,
) -> Result:
    """Check a preset file and install it among your own."""
    read_facts(file)  # what can be refused without the model is
    from facemod.models.registry import load_model

    space = load_model("bundled", "cpu").info.space
    path = preset_files.import_preset(file, name, reserved_names(), space)
    return _told("presets import", f"installed; try facemod edit PHOTO --{path.stem} +1", path)


def _told(command: str, words: str, path: Path) -> Result:
    return Result(command, data={"file": str(path)}, messages=(words,))
