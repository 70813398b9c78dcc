"""``facemod paint``: rough strokes on a copy of a photo become a change of the face."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.look_options import AllFaces, CompareOption, CropOption, MinLikeness
from facemod.cli.options import Common, Where
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import already_there, read, target_for
from facemod.editing.results import ResultKind
from facemod.editing.words import check_faces
from facemod.errors import UsageError
from facemod.jobs.inputs import require_all
from facemod.jobs.outcome import FaceOutcome, Outcome, attempt

if TYPE_CHECKING:
    import numpy as np

    from facemod.imaging.photo import Photo

PAINT_PANEL = "Painting"
ThePhoto = Annotated[Path, typer.Argument(metavar="PHOTO", help="The photo.", show_default=False)]
Painted = Annotated[
    Path | None,
    typer.Argument(
        metavar="[PAINTED]", help="A copy of it with strokes painted on.", show_default=False
    ),
]
Brushes = Annotated[
    list[str] | None,
    typer.Option(
        "--brush",
        metavar="X,Y,R,#RRGGBB",
        help="Dab a colour on the photo: the place and the radius in its pixels. Repeatable.",
        show_default=False,
        rich_help_panel=PAINT_PANEL,
    ),
]
HowStrong = Annotated[
    float,
    typer.Option(
        "--strength", min=0, max=2, help="How much of the change.", rich_help_panel=PAINT_PANEL
    ),
]
Steps = Annotated[
    int,
    typer.Option(
        "--steps", min=1, max=1000, help="How long to search.", rich_help_panel=PAINT_PANEL
    ),
]


def paint(
    photo: ThePhoto,
    common: Common,
    where: Where,
    painted: Painted = None,
    brush: Brushes = None,
    strength: HowStrong = 1.0,
    steps: Steps = 40,
    faces: AllFaces = "all",
    min_likeness: MinLikeness = None,
    crop: CropOption = False,
    compare: CompareOption = False,
) -> Result:
    """Redraw faces as rough strokes suggest: [bold]paint me.jpg painted.png -o out.jpg[/].

    Paint on a copy of the photo in any program and save it at the same size. facemod finds the
    strokes, searches for a plausible face that shows them, and carries the change back.
    """
    from facemod.imaging.copies import parse_brush

    brushes = [parse_brush(text) for text in brush or []]
    if painted is None and not brushes:
        raise UsageError("nothing is painted: name a painted copy, or use --brush x,y,r,#rrggbb")
    check_faces(faces)
    require_all([photo, *([painted] if painted else [])])
    from facemod.editing.painting import Painting
    from facemod.fidelity.regions import Regions
    from facemod.files.atomic import write_bytes

    regions = Regions.parse(where.only, where.protect, where.mask, common.max_megapixels)
    kind = ResultKind.of(crop=crop, compare=compare)
    inputs = [photo, *([painted] if painted else [])]
    target = target_for(inputs, kind, common)
    if skipped := already_there("paint", [photo], target, common):
        return skipped
    editor = Session(common).editor
    mark = mark_unless(common, "composite", f"paint strength={strength:g}")

    def work() -> Outcome:
        original = read(photo, common)
        strokes = painted_over(original, painted, brushes, common)
        with render.progress(steps, shown=not common.quiet) as bar:
            painting = Painting(
                strokes, strength, steps, regions, kind, mark, min_likeness,
                progress=lambda done, total: bar.update(
                    bar.task_ids[0], completed=done, total=total, description="painting"
                ),
            )  # fmt: skip
            found = painting.faces(editor, editor.cut_out(original, faces))
        [data], notes = painting.files(original, found, [target])
        write_bytes(data, target, overwrite=common.overwrite)
        scored = tuple(FaceOutcome.of(face.crop.face, face.scores) for face in found)
        notes = (*original.source.notes, *notes)
        return Outcome(str(photo), str(target), "done", faces=scored, notes=notes)

    outcome, warnings = attempt(photo, work), mark_warning(common)
    return Result("paint", (outcome,), warnings=warnings)


def painted_over(photo: Photo, painted: Path | None, brushes: list, common: Common) -> np.ndarray:
    """The photo [H, W, 3] with what is on the painted copy, and the dabs on top of it."""
    from facemod.imaging.copies import brushed, painted_rgb

    rgb = painted_rgb(photo, read(painted, common)) if painted else photo.rgb
    return brushed(rgb, brushes)
