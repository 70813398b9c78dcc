"""Presets as options of ``facemod edit``: one for each that is installed."""

from __future__ import annotations

from dataclasses import fields, make_dataclass
from typing import Annotated, Any

import typer
from rich.markup import escape

from facemod.cli.options import Common, Many, Where
from facemod.latent.presets import Preset, by_panel, find_presets
from facemod.latent.strengths import Strength, parse_strength


def reserved_names() -> set[str]:
    """Names of ``facemod edit``'s own options, which no preset can have."""
    taken = {f.name.replace("_", "-") for f in (*fields(Common), *fields(Many), *fields(Where))}
    own = {"faces", "fidelity", "min-likeness", "size", "crop", "compare", "preview", "force"}
    return taken | own | {"no-mark", "help"}


def preset_options() -> dict[str, Preset]:
    """The installed presets by panel, without those whose name is another option's already."""
    taken = reserved_names()
    presets = by_panel(find_presets()[0])
    return {name: preset for name, preset in presets.items() if name not in taken}


def strengths_group() -> type:
    """An options group with one ``--NAME`` per installed preset."""
    presets = preset_options()
    made = [(_field(name), _preset_option(preset), None) for name, preset in presets.items()]
    return make_dataclass("Strengths", made, frozen=True)


def chosen_strengths(group: Any) -> dict[str, Strength]:
    """The presets that were given on the command line, with their strengths."""
    given = {name: getattr(group, _field(name)) for name in preset_options()}
    return {name: strength for name, strength in given.items() if strength is not None}


def _field(preset: str) -> str:
    return "preset_" + preset.replace("-", "_")


def _preset_option(preset: Preset) -> Any:
    low, high = preset.range
    option = typer.Option(
        f"--{preset.name}",
        metavar="STRENGTH",
        parser=parse_strength,
        help=f"{escape(preset.meaning)} [dim]({low:+g} to {high:+g})[/]",
        rich_help_panel=f"Presets: {preset.panel}",
        show_default=False,
    )
    return Annotated[Strength | None, option]
