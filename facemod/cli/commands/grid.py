"""``facemod grid``: the mixing figure of the automodulator paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod import batch
from facemod.batch import Outcome
from facemod.cli import render
from facemod.cli.options import DEFAULT_OUTPUT, Common, Photos
from facemod.cli.result import Result
from facemod.cli.running import encode_photos, face_outcome
from facemod.cli.session import mark_for, mark_message, open_editor
from facemod.errors import UsageError
from facemod.imaging.sheet import tile
from facemod.imaging.writing import write_image

if TYPE_CHECKING:
    import numpy as np

    from facemod.pipeline import EncodedFace, Editor

With = Annotated[
    list[Path],
    typer.Option("--with", metavar="PHOTO", help="A photo for one column; repeat for more."),
]
ScaleOption = Annotated[
    str, typer.Option("--scale", help="What rows take from columns: coarse, mid or fine.")
]
CellSize = Annotated[int, typer.Option("--size", min=32, max=1024, help="Side of a cell in px.")]


def grid(
    photos: Photos, with_photos: With, common: Common, scale: ScaleOption = "coarse",
    size: CellSize = 256,
) -> Result:
    """Draw every PHOTO (rows) with the chosen scale of every --with photo (columns)."""
    from facemod.latent.codes import Scale

    if scale not in [s.value for s in Scale]:
        raise UsageError(f"--scale {scale}: unknown; choose coarse, mid or fine")
    target = common.output
    if target == DEFAULT_OUTPUT or target.is_dir():
        target = target / "grid.png"
    if not common.overwrite:
        batch.refuse_existing([target])
    editor, aligner = open_editor(common)
    paths = [*photos, *with_photos]
    encoded, problems = encode_photos(editor, paths, common, "largest")
    if problems:
        return Result("grid", tuple(problems), messages=(aligner,))
    faces = [chosen[0] for _, chosen in encoded]
    rows, columns = faces[: len(photos)], faces[len(photos) :]
    cells = draw_cells(editor, rows, columns, Scale(scale), common)
    picture = tile([shrunk(cell, size) for cell in cells], columns=len(columns) + 1)
    recipe = f"grid {scale} {len(rows)}x{len(columns)}"
    mark = mark_for(common, "synthetic", recipe)
    write_image(picture, target, mark=mark, overwrite=common.overwrite)
    outcomes = tuple(
        Outcome(str(path), str(target), "done", faces=(face_outcome(face.crop.face, {}),))
        for path, face in zip(paths, faces, strict=True)
    )
    return Result("grid", outcomes, messages=(aligner, *mark_message(common)))


def draw_cells(
    editor: Editor, rows: list[EncodedFace], columns: list[EncodedFace], scale: str, common: Common
) -> list[np.ndarray | None]:
    """Header row and column of real faces, and the mixes, row by row."""
    from facemod.pipeline import to_pixels

    cells: list[np.ndarray | None] = [None, *(face.crop.pixels for face in columns)]
    with render.progress(len(rows) * len(columns), shown=not common.quiet) as bar:
        for row in rows:
            cells.append(row.crop.pixels)
            for column in columns:
                mixed = row.codes.with_slots(row.codes.slots(scale), column.codes)
                cells.append(to_pixels(editor.model.decode(mixed))[0])
                bar.update(bar.task_ids[0], advance=1, description="decoding")
    return cells


def shrunk(pixels: np.ndarray | None, size: int) -> np.ndarray | None:
    """A cell at its final size."""
    if pixels is None:
        return None
    import numpy as np
    from PIL import Image

    return np.asarray(Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS))
