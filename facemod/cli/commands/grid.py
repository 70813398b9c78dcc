"""``facemod grid``: the mixing figure of the automodulator paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.options import Common, Photos
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import all_photos, already_there, encode_photos, plan_together
from facemod.errors import UsageError
from facemod.jobs.inputs import WRITABLE_SUFFIXES, require_all

if TYPE_CHECKING:
    import numpy as np

    from facemod.editing.editor import Editor, EncodedFace
    from facemod.latent.codes import Scale

With = Annotated[
    list[Path],
    typer.Option("--with", metavar="PHOTO", help="A photo for one column; repeat for more."),
]
ScaleOption = Annotated[
    str, typer.Option("--scale", help="What rows take from columns: coarse, mid or fine.")
]
CellSize = Annotated[int, typer.Option("--size", min=32, max=1024, help="Side of a cell in px.")]


def grid(
    photos: Photos,
    with_photos: With,
    common: Common,
    scale: ScaleOption = "coarse",
    size: CellSize = 256,
) -> Result:
    """Draw every PHOTO (rows) with the chosen scale of every --with photo (columns)."""
    found = all_photos([*photos, *with_photos], common)
    require_all(found.paths)
    rows, columns = (all_photos(some, common).paths for some in (photos, with_photos))
    from facemod.imaging.sheet import shrunk, tile
    from facemod.imaging.writing import write_image
    from facemod.latent.codes import check_scales

    chosen_scale = parse_scale(scale)
    target = plan_together([*rows, *columns], common, "grid.png", WRITABLE_SUFFIXES)
    if skipped := already_there("grid", [*rows, *columns], target, common):
        return skipped
    editor = Session(common).editor
    check_scales([scale], editor.model.info.slot_resolutions, editor.model.info.family)
    choices = ["largest"] * len([*rows, *columns])
    encoded, problems = encode_photos(editor, [*rows, *columns], common, choices)
    if problems:
        return Result("grid", problems)
    faces = [photo.faces[0] for photo in encoded]
    cells = draw_cells(editor, faces[: len(rows)], faces[len(rows) :], chosen_scale, common)
    picture = tile(
        [cell if cell is None else shrunk(cell, size) for cell in cells], columns=len(columns) + 1
    )
    mark = mark_unless(common, "synthetic", f"grid {scale} {len(rows)}x{len(columns)}")
    write_image(picture, target, mark=mark, overwrite=common.overwrite)
    outcomes = tuple(photo.done(target) for photo in encoded)
    return Result("grid", outcomes, messages=found.words, warnings=mark_warning(common))


def parse_scale(name: str) -> Scale:
    """``--scale`` as a value; UsageError for an unknown one."""
    from facemod.latent.codes import Scale

    try:
        return Scale(name)
    except ValueError:
        raise UsageError(f"--scale {name}: unknown; choose coarse, mid or fine") from None


def draw_cells(
    editor: Editor,
    rows: Sequence[EncodedFace],
    columns: Sequence[EncodedFace],
    scale: Scale,
    common: Common,
) -> list[np.ndarray | None]:
    """Header row and column of real faces, and the mixes, row by row."""
    from facemod.tensors.pixels import to_pixels

    cells: list[np.ndarray | None] = [None, *(face.crop.pixels for face in columns)]
    with render.progress(len(rows) * len(columns), shown=not common.quiet) as bar:
        for row in rows:
            cells.append(row.crop.pixels)
            for column in columns:
                mixed = row.codes.with_slots(row.codes.slots(scale), column.codes)
                cells.append(to_pixels(editor.model.decode(mixed))[0])
                bar.update(bar.task_ids[0], advance=1, description="decoding")
    return cells
