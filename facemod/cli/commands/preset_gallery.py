"""``facemod presets gallery``: a page with a slider per preset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.options import Printing
from facemod.cli.result import Result
from facemod.errors import UsageError
from facemod.jobs.plan import check_targets
from facemod.latent.presets import Preset, find_presets, get_preset
from facemod.latent.strengths import edit_direction
from facemod.tensors.devices import find_device

if TYPE_CHECKING:
    import numpy as np

    from facemod.imaging.page import Slider
    from facemod.latent.codes import Codes
    from facemod.models.base import FaceModel

SUFFIXES = (".html", ".htm")
SIDES = 2  # pictures on each side of the unedited face


def presets_gallery(
    printing: Printing,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Presets; default: all.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page.")] = Path(
        "gallery.html"
    ),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the page.")] = False,
    faces: Annotated[int, typer.Option("--faces", min=1, max=16, help="How many faces.")] = 2,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which faces.")] = 7,
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Of a face, in px.")] = 256,
    device: Annotated[
        str, typer.Option("--device", envvar="FACEMOD_DEVICE", help="auto, cpu, cuda or mps.")
    ] = "auto",
) -> Result:
    """Render a web page, one file, with a slider per preset over faces that do not exist."""
    from facemod.files.atomic import write_bytes
    from facemod.imaging.page import page_of
    from facemod.models.registry import load_model

    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {output}: a page ends in .html")
    presets = [get_preset(name) for name in names or find_presets()[0]]
    if not presets:
        raise UsageError("no presets are installed; there is nothing to show")
    check_targets([output], [], overwrite=overwrite, skip_existing=False)
    model = load_model("bundled", find_device(device)[0])
    codes = model.sample(faces, seed=seed)
    page = page_of(list(sliders(model, codes, presets, size, quiet=printing.quiet)))
    write_bytes(page.encode(), output, overwrite=overwrite)
    told = f"{len(presets)} presets on {faces} faces -> {output}"
    return Result("presets gallery", data={"file": str(output)}, messages=(told,))


def sliders(
    model: FaceModel, codes: Codes, presets: Sequence[Preset], size: int, *, quiet: bool
) -> Iterator[Slider]:
    """Every preset on every face, those of one panel together."""
    from facemod.imaging.page import Slider

    unedited = [picture(model, codes[i], size) for i in range(len(codes))]
    pictures = len(presets) * len(codes) * 2 * SIDES
    with render.progress(pictures, shown=not quiet) as bar:
        for preset in sorted(presets, key=lambda p: (p.panel, p.name)):
            strengths = page_strengths(preset)
            shown: list[list[np.ndarray]] = []
            for i, before in enumerate(unedited):
                face = codes[i]
                shown.append([before if s == 0 else edited(model, face, preset, s, size)
                              for s in strengths])  # fmt: skip
                bar.update(bar.task_ids[0], advance=2 * SIDES, description=preset.name)
            yield Slider(preset.name, preset.meaning, preset.panel, strengths, shown)


def page_strengths(preset: Preset) -> list[float]:
    """Evenly spaced strengths over the natural range, 0 among them."""
    low, high = preset.range
    below = [round(low * i / SIDES, 2) for i in range(SIDES, 0, -1)] if low < 0 else []
    above = [round(high * i / SIDES, 2) for i in range(1, SIDES + 1)] if high > 0 else []
    return [*below, 0, *above]


def edited(model: FaceModel, face: Codes, preset: Preset, strength: float, size: int) -> np.ndarray:
    """One face at one strength, uint8 [size, size, 3]."""
    shift = edit_direction({preset.name: strength}, model.info.space)
    return picture(model, face.shifted(shift), size)


def picture(model: FaceModel, face: Codes, size: int) -> np.ndarray:
    """What the model decodes, uint8 [size, size, 3]."""
    from facemod.imaging.sheet import shrunk
    from facemod.tensors.pixels import to_pixels

    return shrunk(to_pixels(model.decode(face))[0], size)
