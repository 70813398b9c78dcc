"""``facemod presets sheet``: several presets and strengths on one face, in one picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.commands.edit import Force
from facemod.cli.completing import preset_names
from facemod.cli.look_options import FidelityOption
from facemod.cli.options import Common
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import already_there, encode_photos, plan_together
from facemod.errors import UsageError
from facemod.jobs.inputs import WRITABLE_SUFFIXES
from facemod.latent.presets import Preset, by_panel, find_presets, get_preset
from facemod.latent.spreads import extremes, spread
from facemod.latent.strengths import Strength, check_ranges, parse_strength, preset_edit

if TYPE_CHECKING:
    from facemod.editing.editor import Editor, EncodedFace
    from facemod.editing.preview import Cells
    from facemod.fidelity.ladder import Fidelity

BESIDE = 8
"""Pictures in a row where presets stand side by side."""


def presets_sheet(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME...] PHOTO",
            help="Presets, then a photo. Without presets: all of them, at -1 and +1.",
            show_default=False,
            autocompletion=preset_names,
        ),
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
    """Draw presets (rows) at several strengths (columns) on one face, to choose from."""
    from facemod.editing.words import check_fidelity

    named, photo = [get_preset(word) for word in words[:-1]], Path(words[-1])
    refuse_a_name(photo)
    rows = rows_of(named, strengths, force=force)
    check_fidelity(fidelity)
    target = plan_together([photo], common, "sheet.png", WRITABLE_SUFFIXES)
    if skipped := already_there("presets sheet", [photo], target, common):
        return skipped
    from facemod.editing.preview import sheet_of
    from facemod.imaging.writing import write_image

    session = Session(common, size, fidelity)
    editor, rung = session.editor, session.rung(1)
    encoded, problems = encode_photos(editor, [photo], common, ["largest"], rung)
    if problems:
        return Result("presets sheet", problems)
    face = encoded[0].faces[0].decoded()
    drawn = list(draw_rows(editor, face, rows, rung, size, quiet=common.quiet))
    if not named:
        drawn = side_by_side([unedited(editor, face, size, len(drawn[0])), *drawn])
    mark = mark_unless(common, "composite", "presets sheet " + " ".join(words[:-1]))
    write_image(sheet_of(drawn), target, mark=mark, overwrite=common.overwrite)
    outcomes, messages = (encoded[0].done(target),), session.messages(1)
    data = {"strengths": {name: [str(s) for s in row] for name, row in rows.items()}}
    return Result("presets sheet", outcomes, data, messages=messages, warnings=mark_warning(common))


def refuse_a_name(photo: Path) -> None:
    """Raise UsageError for a preset's name where the photo should be."""
    if photo.name in find_presets()[0] and not photo.exists():
        raise UsageError(f"{photo}: this is a preset; name a photo after the presets")


def rows_of(
    named: Sequence[Preset], strengths: str | None, *, force: bool
) -> dict[str, list[Strength]]:
    """The strengths in each preset's row, by its name; without names, those of all presets.

    Raises:
        UsageError: they make no sense, or are beyond a preset's range and nobody said ``force``.
    """
    presets = named or list(by_panel(find_presets()[0]).values())
    if not presets:
        raise UsageError("no presets are installed; there is nothing to show")
    if strengths is None:
        choose = spread if named else extremes
        return {preset.name: choose(preset) for preset in presets}
    columns = parse_strengths(strengths)
    for strength in columns:
        check_ranges({preset.name: strength for preset in presets}, force=force)
    return {preset.name: columns for preset in presets}


def parse_strengths(text: str) -> list[Strength]:
    """``-1,0,to:1`` as strengths; UsageError for anything else."""
    try:
        return [parse_strength(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"--strengths {text}: {error}") from None


def draw_rows(
    editor: Editor,
    face: EncodedFace,
    rows: Mapping[str, Sequence[Strength]],
    fidelity: Fidelity,
    size: int,
    *,
    quiet: bool,
) -> Iterator[Cells]:
    """The edited face, labelled, preset by preset."""
    from facemod.editing.preview import Variant, draw_row

    with render.progress(len(rows), shown=not quiet) as bar:
        for name, strengths in rows.items():
            bar.update(bar.task_ids[0], description=name)
            # Whether strengths may go beyond a range was settled before.
            edits = (
                preset_edit({name: strength}, editor.model.info.space, limited=False)
                for strength in strengths
            )
            labels = (f"{name} {strength}" for strength in strengths)
            row = [Variant(*both) for both in zip(labels, edits, strict=True)]
            yield draw_row(face, row, fidelity, side=size)
            bar.update(bar.task_ids[0], advance=1)


def unedited(editor: Editor, face: EncodedFace, size: int, columns: int) -> Cells:
    """A short row that shows the photo's own face, to compare with."""
    from facemod.editing.preview import Variant, draw_row
    from facemod.fidelity.ladder import Fidelity

    nothing = Variant("the photo", preset_edit({}, editor.model.info.space))
    cell = draw_row(face, [nothing], Fidelity.TRANSFER, side=size)
    return [*cell, *[None] * (columns - 1)]


def side_by_side(rows: Sequence[Cells]) -> list[Cells]:
    """Short rows of equal length, several of them in one."""
    beside = max(1, BESIDE // len(rows[0]))
    together = [rows[i : i + beside] for i in range(0, len(rows), beside)]
    return [[cell for row in some for cell in row] for some in together]
