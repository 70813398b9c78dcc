"""What a shell may complete: names of presets, models and regions. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable

from facemod.cli.guide import pages
from facemod.faces.region_names import REGIONS
from facemod.latent.presets import PLACES, find_presets
from facemod.models.names import model_names


def preset_names(incomplete: str) -> list[tuple[str, str]]:
    """Presets that begin so, and what they mean."""
    found = find_presets()[0]
    return [(name, p.meaning) for name, p in found.items() if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Models that begin so; files are the shell's own business."""
    return _beginning(incomplete, model_names())


def presets(incomplete: str) -> list[str]:
    """Presets for the last word of a list with commas."""
    return _listed(incomplete, find_presets()[0])


def places(incomplete: str) -> list[str]:
    """Places on the face for the last word of a list with commas."""
    return _listed(incomplete, PLACES)


def topics(incomplete: str) -> list[str]:
    """Pages of the guide that begin so."""
    return _beginning(incomplete, pages())


def regions(incomplete: str) -> list[str]:
    """Regions for the last word of a list with commas."""
    return _listed(incomplete, REGIONS)


def _listed(incomplete: str, names: Iterable[str]) -> list[str]:
    done, comma, last = incomplete.rpartition(",")
    return [f"{done}{comma}{name}" for name in _beginning(last, names)]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
