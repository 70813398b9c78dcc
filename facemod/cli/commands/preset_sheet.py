"""``facemod presets sheet``: several presets and strengths on one face, in one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.commands.edit import Force
from facemod.cli.options import Common, FidelityOption
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import already_there, encode_photos, plan_together
from facemod.errors import UsageError
from facemod.jobs.inputs import WRITABLE_SUFFIXES
from facemod.latent.presets import Preset, get_preset
from facemod.latent.strengths import Strength, check_ranges, parse_strength, preset_edit

if TYPE_CHECKING:
    import numpy as np

    from facemod.editing.editor import Editor, EncodedFace
    from facemod.fidelity.ladder import Fidelity


def presets_sheet(
    words: Annotated[
        list[str],
        typer.Argument(metavar="NAME... PHOTO", help="Presets, then a photo.", show_default=False),
    ],
    common: Common,
    strengths: Annotated[
        str | None,
        typer.Option(
            "--strengths",
            metavar="LIST",
            help="One column each, such as -1,0,1; to:1 goes to a level. Default: five over each "
            "preset's range.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Of a cell in px.")] = 256,
    fidelity: FidelityOption = "transfer",
) -> Result:
    """Draw presets (rows) at several strengths (columns) on one face."""
    from facemod.editing.words import check_fidelity
    from facemod.imaging.sheet import tile
    from facemod.imaging.writing import write_image

    if len(words) < 2:
        raise UsageError("name at least one preset, and then a photo")
    presets, photo = [get_preset(word) for word in words[:-1]], Path(words[-1])
    rows = rows_of(presets, strengths, force=force)
    check_fidelity(fidelity)
    target = plan_together([photo], common, "sheet.png", WRITABLE_SUFFIXES)
    if skipped := already_there("presets sheet", [photo], target, common):
        return skipped
    session = Session(common, fidelity=fidelity)
    editor, rung = session.editor, session.rung(1)
    encoded, problems = encode_photos(editor, [photo], common, ["largest"], rung)
    if problems:
        return Result("presets sheet", problems)
    face = encoded[0].faces[0]
    cells = draw_cells(editor, face, rows, rung, size, quiet=common.quiet)
    mark = mark_unless(common, "composite", "presets sheet " + " ".join(words[:-1]))
    picture = tile(cells, columns=len(rows[presets[0].name]))
    write_image(picture, target, mark=mark, overwrite=common.overwrite)
    outcomes, messages = (encoded[0].done(target),), session.messages(1)
    data = {"strengths": {name: [str(s) for s in row] for name, row in rows.items()}}
    return Result("presets sheet", outcomes, data, messages=messages, warnings=mark_warning(common))


def rows_of(
    presets: Sequence[Preset], strengths: str | None, *, force: bool
) -> dict[str, list[Strength]]:
    """The strengths in each preset's row, by its name.

    Raises:
        UsageError: they make no sense, or are beyond a preset's range and nobody said ``force``.
    """
    if strengths is None:
        return {preset.name: spread(preset) for preset in presets}
    columns = parse_strengths(strengths)
    for strength in columns:
        check_ranges({preset.name: strength for preset in presets}, force=force)
    return {preset.name: columns for preset in presets}


def spread(preset: Preset) -> list[Strength]:
    """Five strengths over a preset's range, 0 in the middle if the range holds it."""
    low, high = preset.range
    middle = min(max(0.0, low), high)
    if middle in (low, high):
        middle = (low + high) / 2
    values = (low, (low + middle) / 2, middle, (middle + high) / 2, high)
    return [Strength(round(value, 3)) for value in values]


def parse_strengths(text: str) -> list[Strength]:
    """``-1,0,to:1`` as strengths; UsageError for anything else."""
    try:
        return [parse_strength(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--strengths {text}: {error}") from None


def draw_cells(
    editor: Editor,
    face: EncodedFace,
    rows: Mapping[str, Sequence[Strength]],
    fidelity: Fidelity,
    size: int,
    *,
    quiet: bool,
) -> list[np.ndarray]:
    """The edited face, labelled, preset by preset."""
    from facemod.editing.corridor import redraw
    from facemod.imaging.sheet import shrunk, with_labels

    pictures, labels = [], []
    with render.progress(sum(map(len, rows.values())), shown=not quiet) as bar:
        for name, strengths in rows.items():
            for strength in strengths:
                # Whether strengths may go beyond a range was settled before.
                edit = preset_edit({name: strength}, editor.model.info.space, limited=False)
                [edited] = redraw([face], [edit], fidelity)
                pictures.append(shrunk(edited.pixels, size))
                labels.append(f"{name} {strength}")
                bar.update(bar.task_ids[0], advance=1, description=name)
    return with_labels(pictures, labels)
