"""``facemod presets gallery``: a page with a slider per preset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.completing import preset_names
from facemod.cli.options import Reading, Showing
from facemod.cli.result import Result
from facemod.cli.session import Session
from facemod.cli.together import encode_photos
from facemod.errors import UsageError
from facemod.jobs.inputs import require_all
from facemod.jobs.outcome import Outcome
from facemod.jobs.plan import check_targets
from facemod.latent.presets import Preset, by_panel, find_presets, get_preset
from facemod.latent.strengths import PresetEdit, Strength, preset_edit
from facemod.tensors.devices import find_device

if TYPE_CHECKING:
    import numpy as np

    from facemod.editing.editor import EncodedFace
    from facemod.imaging.page import Slider
    from facemod.latent.codes import Codes
    from facemod.latent.presets import CodeSpace
    from facemod.models.base import FaceModel

SUFFIXES = (".html", ".htm")
SIDES = 2  # pictures on each side of the unedited face
INVENTED = "Faces of people who do not exist."
YOURS = "The faces of your photos, edited with AI."
Draw = Callable[["Sequence[PresetEdit]"], "list[np.ndarray]"]
"""Pictures uint8 [size, size, 3] of one face, one for each edit."""


def presets_gallery(
    reading: Reading,
    showing: Showing,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|PHOTO]...",
            help="Presets, by default all of them, and photos; without photos the page shows "
            "faces of people who do not exist.",
            show_default=False,
            autocompletion=preset_names,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page.")] = Path(
        "gallery.html"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the page.")] = False,
    faces: Annotated[
        int, typer.Option("--faces", min=1, max=16, help="How many invented faces.")
    ] = 2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which of them.")] = 7,
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Of a face, in px.")] = 256,
) -> Result:
    """Make a web page, one file, with a slider per preset over invented faces or your photos."""
    from facemod.files.atomic import write_bytes
    from facemod.imaging.page import page_of
    from facemod.models.registry import load_model

    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {output}: a page ends in .html")
    presets, photos = told_apart(words or [])
    require_all(photos)
    check_targets([output], photos, overwrite=overwrite, skip_existing=False)
    session = Session(reading, size)
    outcomes: tuple[Outcome, ...] = ()
    if photos:
        model = session.editor.model
        choices = ["largest"] * len(photos)
        encoded, problems = encode_photos(session.editor, photos, reading, choices)
        if problems:
            return Result("presets gallery", problems)
        draws: list[Draw] = [
            partial(draw_photo, photo.faces[0].decoded(), size) for photo in encoded
        ]
        outcomes = tuple(photo.done(output) for photo in encoded)
    else:
        model = load_model(reading.model, find_device(reading.device)[0], reading.noise)
        codes = model.sample(faces, seed=seed)
        draws = [partial(draw_codes, model, codes[i], size) for i in range(faces)]
    drawn = list(sliders(draws, presets, model.info.space, quiet=reading.quiet))
    page = page_of(drawn, YOURS if photos else INVENTED)
    write_bytes(page.encode(), output, overwrite=overwrite)
    told = f"{len(presets)} presets on {len(draws)} faces -> {output}"
    return Result("presets gallery", outcomes, {"file": str(output)}, messages=(told,))


def told_apart(words: Sequence[str]) -> tuple[list[Preset], list[Path]]:
    """The presets among the words, all by default, and the photos: whatever is a file.

    Raises:
        UsageError: a word is neither, or no presets are installed.
    """
    found = find_presets()[0]
    photos = [Path(word) for word in words if word not in found and Path(word).suffix]
    names = [word for word in words if Path(word) not in photos]
    presets = [get_preset(name) for name in names] or list(found.values())
    if not presets:
        raise UsageError("no presets are installed; there is nothing to show")
    return presets, photos


def sliders(
    draws: Sequence[Draw], presets: Sequence[Preset], space: CodeSpace, *, quiet: bool
) -> Iterator[Slider]:
    """Every preset on every face, those of one panel together."""
    from facemod.imaging.page import Slider

    ordered = by_panel({preset.name: preset for preset in presets})
    with render.progress(len(ordered) * len(draws), shown=not quiet) as bar:
        for name, preset in ordered.items():
            strengths = page_strengths(preset)
            edits = [preset_edit({name: Strength(strength)}, space) for strength in strengths]
            shown: list[list[np.ndarray]] = []
            for draw in draws:
                bar.update(bar.task_ids[0], description=name)
                shown.append(draw(edits))
                bar.update(bar.task_ids[0], advance=1)
            yield Slider(name, preset.meaning, preset.panel, strengths, shown)


def page_strengths(preset: Preset) -> list[float]:
    """Evenly spaced strengths over the natural range, 0 among them."""
    low, high = preset.range
    below = [round(low * i / SIDES, 2) for i in range(SIDES, 0, -1)] if low < 0 else []
    above = [round(high * i / SIDES, 2) for i in range(1, SIDES + 1)] if high > 0 else []
    return [*below, 0, *above]


def draw_codes(
    model: FaceModel, codes: Codes, size: int, edits: Sequence[PresetEdit]
) -> list[np.ndarray]:
    """What the model makes of edited codes."""
    from facemod.imaging.sheet import shrunk
    from facemod.tensors.pixels import to_pixels

    pictures = (to_pixels(model.decode(edit(codes)))[0] for edit in edits)
    return [shrunk(picture, size) for picture in pictures]


def draw_photo(face: EncodedFace, size: int, edits: Sequence[PresetEdit]) -> list[np.ndarray]:
    """The face of a photo, edited."""
    from facemod.editing.corridor import redraw
    from facemod.imaging.sheet import shrunk

    return [shrunk(edited.pixels, size) for edited in redraw([face] * len(edits), edits)]
