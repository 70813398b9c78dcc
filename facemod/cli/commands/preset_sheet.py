"""``facemod presets sheet``: several presets and strengths on one face, in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.options import Common, FidelityOption
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import already_there, encode_photos, plan_together
from facemod.errors import UsageError
from facemod.jobs.inputs import WRITABLE_SUFFIXES
from facemod.latent.presets import Preset, get_preset
from facemod.latent.strengths import Strength, parse_strength, preset_edit

if TYPE_CHECKING:
    import numpy as np

    from facemod.editing.editor import Editor, EncodedFace, Fidelity

DEFAULT_STRENGTHS = "-2,-1,0,1,2"


def presets_sheet(
    words: Annotated[
        list[str],
        typer.Argument(metavar="NAME... PHOTO", help="Presets, then a photo.", show_default=False),
    ],
    common: Common,
    strengths: Annotated[
        str, typer.Option("--strengths", help="One column each; to:1 goes to a level.")
    ] = DEFAULT_STRENGTHS,
    size: Annotated[int, typer.Option("--size", min=32, max=1024, help="Of a cell in px.")] = 256,
    fidelity: FidelityOption = "transfer",
) -> Result:
    """Draw presets (rows) at several strengths (columns) on one face."""
    from facemod.editing.looks import check_fidelity
    from facemod.imaging.sheet import tile
    from facemod.imaging.writing import write_image

    if len(words) < 2:
        raise UsageError("name at least one preset, and then a photo")
    presets, photo = [get_preset(word) for word in words[:-1]], Path(words[-1])
    columns = parse_strengths(strengths)
    check_fidelity(fidelity)
    target = plan_together([photo], common, "sheet.png", WRITABLE_SUFFIXES)
    if skipped := already_there("presets sheet", [photo], target, common):
        return skipped
    session = Session(common, fidelity=fidelity)
    editor, rung = session.editor, session.rung(1)
    encoded, problems = encode_photos(editor, [photo], common, ["largest"], rung)
    if problems:
        return Result("presets sheet", problems, messages=(editor.found_by,))
    face = encoded[0].faces[0]
    cells = draw_cells(editor, face, presets, columns, rung, size, quiet=common.quiet)
    mark = mark_unless(common, "composite", "presets sheet " + " ".join(words[:-1]))
    picture = tile(cells, columns=len(columns))
    write_image(picture, target, mark=mark, overwrite=common.overwrite)
    outcomes, messages = (encoded[0].done(target),), session.messages(1)
    return Result("presets sheet", outcomes, messages=messages, warnings=mark_warning(common))


def parse_strengths(text: str) -> list[Strength]:
    """``-1,0,to:1`` as strengths; UsageError for anything else."""
    try:
        return [parse_strength(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--strengths {text}: {error}") from None


def draw_cells(
    editor: Editor,
    face: EncodedFace,
    presets: Sequence[Preset],
    columns: Sequence[Strength],
    fidelity: Fidelity,
    size: int,
    *,
    quiet: bool,
) -> list[np.ndarray]:
    """The edited face, labelled, preset by preset."""
    from facemod.editing.corridor import redraw
    from facemod.imaging.sheet import shrunk, with_labels

    pictures, labels = [], []
    with render.progress(len(presets) * len(columns), shown=not quiet) as bar:
        for preset in presets:
            for strength in columns:
                chosen = {preset.name: strength}
                # Whoever asks for a column beyond the range wants to see it.
                edit = preset_edit(chosen, editor.model.info.space, limited=False)
                [edited] = redraw([face], [edit], fidelity)
                pictures.append(shrunk(edited.pixels, size))
                labels.append(f"{preset.name} {strength}")
                bar.update(bar.task_ids[0], advance=1, description=preset.name)
    return with_labels(pictures, labels)
