"""``facemod train heads``, ``likeness``, ``presets`` and others: what comes after the encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facemod.cli import render
from facemod.cli.options import Printing
from facemod.cli.result import Result
from facemod.training.evaluation.options import FidelityOptions
from facemod.training.presets.options import (
    LeakOptions,
    LevelOptions,
    PresetOptions,
    PublishedOptions,
)
from facemod.training.settings import HeadOptions, LikenessOptions, MattingOptions, Tell


def _argument(metavar: str, text: str) -> typer.models.ArgumentInfo:
    return typer.Argument(metavar=metavar, help=text, show_default=False)


Folder = Annotated[Path, _argument("FOLDER", "The folder of the preset files.")]


def teller(printing: Printing) -> Tell:
    """What takes lines for people, unless they want none."""
    return (lambda line: None) if printing.quiet else render.say


def train_heads(
    target: Annotated[Path, _argument("FILE", "The weight file to write.")],
    options: HeadOptions,
    printing: Printing,
) -> Result:
    """Fit the small heads, which draw 256 and 512 px, to the decoder."""
    from facemod.training.bundled.heads import fit_heads

    fit_heads(target, options, teller(printing))
    return Result("train heads", data={"file": str(target)}, messages=(f"written: {target}",))


def train_matting(
    target: Annotated[Path, _argument("FILE", "The weight file to write.")],
    options: MattingOptions,
    printing: Printing,
) -> Result:
    """Train the head that tells people from backgrounds."""
    from facemod.training.bundled.matting import fit_matting

    fit_matting(target, options, teller(printing))
    return Result("train matting", data={"file": str(target)}, messages=(f"written: {target}",))


def train_likeness(
    run: Annotated[Path, _argument("RUN", "The run's folder; one that exists goes on.")],
    options: LikenessOptions,
    printing: Printing,
) -> Result:
    """Distil the likeness score from an identity network."""
    from facemod.training.bundled.likeness import distil

    found = distil(run, options, teller(printing))
    words = ", ".join(f"{name} {value:.3f}" for name, value in found.items())
    return Result("train likeness", data={"run": str(run), **found}, messages=(words,))


def train_presets(folder: Folder, options: PresetOptions, printing: Printing) -> Result:
    """Learn presets from what the decoder shows."""
    from facemod.training.presets.directions import learn_presets

    return written("train presets", learn_presets(folder, options, teller(printing)))


def train_published(folder: Folder, options: PublishedOptions, printing: Printing) -> Result:
    """Make presets from published directions: guard, scale and measure them."""
    from facemod.training.presets.published import make_presets

    return written("train published", make_presets(folder, options, teller(printing)))


def train_levels(folder: Folder, options: LevelOptions, printing: Printing) -> Result:
    """Fit the levels of presets to the encoder."""
    from facemod.training.presets.levels import fit_levels

    return written("train levels", fit_levels(folder, options, teller(printing)))


def train_leaks(
    page: Annotated[Path, _argument("PAGE", "The page of tables to write, in Markdown.")],
    options: LeakOptions,
    printing: Printing,
) -> Result:
    """Measure what presets move besides what they are for."""
    from facemod.training.presets.leaks import measure_leaks

    measure_leaks(page, options, teller(printing))
    return written("train leaks", [page])


def train_fidelity(
    folder: Annotated[Path, _argument("PHOTOS", "A folder of photos.")],
    options: FidelityOptions,
    printing: Printing,
) -> Result:
    """Measure how close each rung of fidelity comes, and whether edits still edit."""
    from facemod.training.evaluation.fidelity import measure_fidelity

    return Result("train fidelity", data=measure_fidelity(folder, options, teller(printing)))


def written(command: str, files: list[Path]) -> Result:
    """The result of a command that wrote some files."""
    names = [str(file) for file in files]
    return Result(command, data={"files": names}, messages=(f"{len(names)} files written",))
