"""``facemod presets``: what named edits there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from facemod.cli.completing import preset_names
from facemod.cli.options import Printing
from facemod.cli.preset_options import preset_options
from facemod.cli.result import Result, Table
from facemod.latent.presets import PLACES, Preset, find_presets, get_preset
from facemod.models.wavelet import FAMILY as BUNDLED

SIDE_EFFECTS = 5
"""That are shown unless somebody asks for all."""


def presets_list(printing: Printing) -> Result:
    """List the installed presets."""
    found, problems = find_presets()
    rows = [(p.name, span(p), fits(p), p.panel, p.meaning) for p in found.values()]
    return Result(
        "presets list",
        data=[facts(preset) for preset in found.values()],
        table=Table(("preset", "range", "model", "panel", "meaning"), rows),
        messages=() if found else ("no presets are installed",),
        warnings=(*problems, *unusable(found)),
    )


def presets_show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A preset.", autocompletion=preset_names)
    ],
    printing: Printing,
    everything: Annotated[
        bool, typer.Option("--all", help="Also every small side effect.")
    ] = False,
) -> Result:
    """Show what is known about one preset."""
    preset = get_preset(name)
    rows = [
        ("meaning", preset.meaning),
        ("range", span(preset)),
        ("model", fits(preset)),
        ("slots", f"{preset.slots[0]} to {preset.slots[1]}"),
        ("shows on", ", ".join(places_of(preset)) or "the whole picture"),
        ("holds still", ", ".join(preset.guards) or "nothing"),
        ("learnt from", preset.source),
        ("shorter steps", "for faces that have what it adds" if preset.level_ends else "for none"),
        ("goes to levels", "no" if preset.level_centre is None else f"yes, --{name} to:+1"),
        *((name, f"{value:.2f}") for name, value in preset.evidence.items()),
        *((f"+1 moves {other}", f"{by:+.2f} sd") for other, by in side_effects(preset, everything)),
        ("file", str(preset.path)),
    ]
    table, left = Table(("fact", "value"), rows), len(preset.effects) - SIDE_EFFECTS
    more = (f"--all shows {left} smaller side effects",) if left > 0 and not everything else ()
    return Result("presets show", data=facts(preset), table=table, messages=more)


def side_effects(preset: Preset, everything: bool) -> list[tuple[str, float]]:
    """What a preset moves, in standard deviations, the largest first; all of it or the top."""
    largest = sorted(preset.effects.items(), key=lambda effect: -abs(effect[1]))
    return largest if everything else largest[:SIDE_EFFECTS]


def unusable(presets: Mapping[str, Preset]) -> list[str]:
    """A line for each preset whose name stands for something else in ``facemod edit``."""
    return [
        f"{preset.path}: facemod edit --{name} means something else; rename the preset"
        for name, preset in presets.items()
        if name not in preset_options()
    ]


def fits(preset: Preset) -> str:
    """The model that a preset works with, or the family of models."""
    if preset.model:
        return preset.model
    return "bundled" if preset.family == BUNDLED.name else preset.family


def span(preset: Preset) -> str:
    """The natural range in words."""
    return f"{preset.range[0]:+g} to {preset.range[1]:+g}"


def places_of(preset: Preset) -> list[str]:
    """The names of the places that a preset may change; a box of its own is called so."""
    names = {box: name for name, box in PLACES.items()}
    return [names.get(box, "a box of its own") for box in preset.region]


def facts(preset: Preset) -> dict[str, object]:
    """A preset as JSON."""
    return {
        "name": preset.name,
        "meaning": preset.meaning,
        "panel": preset.panel,
        "range": list(preset.range),
        "slots": list(preset.slots),
        "region": [list(box) for box in preset.region],
        "family": preset.family,
        "model": preset.model or None,
        "guards": list(preset.guards),
        "effects": dict(preset.effects),
        "source": preset.source,
        "level_centre": preset.level_centre,
        "evidence": dict(preset.evidence),
        "file": str(preset.path),
    }
