"""``facemod mix``: some scales of one face over another's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod import batch
from facemod.batch import Job
from facemod.cli.commands.edit import parse_fidelity
from facemod.cli.options import (
    AllFaces,
    Common,
    CompareOption,
    CropOption,
    FidelityOption,
    Photos,
)
from facemod.cli.result import Result
from facemod.cli.running import done, encode_photos, face_outcome
from facemod.cli.session import mark_for, mark_message, open_editor
from facemod.cli.writing import ResultKind, write_result
from facemod.errors import UsageError

if TYPE_CHECKING:
    from facemod.latent.edits import Mix
    from facemod.pipeline import EncodedFace

MIX_PANEL = "What comes from where"


def _source(flag: str, meaning: str) -> object:
    help_text = f"The photo that gives {meaning}: its name, stem or number."
    return typer.Option(flag, metavar="PHOTO", help=help_text, rich_help_panel=MIX_PANEL)


CoarseFrom = Annotated[
    str | None, _source("--coarse-from", "pose, face shape and hairstyle (4-8 px)")
]
MidFrom = Annotated[str | None, _source("--mid-from", "features and expression (16-64 px)")]
FineFrom = Annotated[str | None, _source("--fine-from", "colours and texture (128 px and up)")]
Slots = Annotated[
    list[str] | None,
    typer.Option(
        "--slots", metavar="A-B=PHOTO", help="Exact slots, such as 3-8=b.", show_default=False,
        rich_help_panel=MIX_PANEL,
    ),
]


def mix(
    photos: Photos,
    common: Common,
    coarse_from: CoarseFrom = None,
    mid_from: MidFrom = None,
    fine_from: FineFrom = None,
    slots: Slots = None,
    faces: AllFaces = "largest",
    fidelity: FidelityOption = "transfer",
    crop: CropOption = False,
    compare: CompareOption = False,
) -> Result:
    """Mix scales of real photos; the first one is the base: [bold]mix a.jpg b.jpg --coarse-from b[/]."""
    if len(photos) < 2:
        raise UsageError("mix needs a base photo and at least one other")
    sources = {"coarse": coarse_from, "mid": mid_from, "fine": fine_from}
    if not slots and not any(sources.values()):
        raise UsageError("nothing to mix: give --coarse-from, --mid-from, --fine-from or --slots")
    kind = ResultKind.of(crop=crop, compare=compare)
    (job,) = batch.plan(
        [(photos[0], Path(photos[0].name))], common.output,
        suffix=kind.suffix, overwrite=common.overwrite,
    )
    chosen_fidelity = parse_fidelity(fidelity)
    editor, aligner = open_editor(common)
    base, problems = encode_photos(editor, photos[:1], common, faces)
    others, more_problems = encode_photos(editor, photos[1:], common, "largest")
    if problems or more_problems:
        return Result("mix", (*problems, *more_problems), messages=(aligner,))
    photo, base_faces = base[0]
    donors = [encoded[0] for _, encoded in others]
    edited, results = editor.edit_encoded(
        photo,
        [(face, mixture(face, donors, photos, sources, slots or []).apply) for face in base_faces],
        chosen_fidelity,
    )
    mark = mark_for(common, kind.mark_kind, recipe(sources, slots or [], photos))
    notes = write_result(kind, photo, edited, results, job.target, mark, common.overwrite)
    found = [face_outcome(result.crop.face, result.scores) for result in results]
    outcome = done(job, found, (*photo.source.notes, *notes))
    return Result("mix", (outcome,), messages=(aligner, *mark_message(common)))


def mixture(
    face: EncodedFace,
    donors: list[EncodedFace],
    photos: list[Path],
    sources: dict[str, str | None],
    slots: list[str],
) -> Mix:
    """The edit for one face of the base photo."""
    from facemod.latent.codes import Scale
    from facemod.latent.edits import mix_parts

    codes = [face.codes, *(donor.codes for donor in donors)]
    scales = {Scale(name): photo for name, photo in sources.items() if photo is not None}
    return mix_parts(codes, [photo.name for photo in photos], scales, slots)


def recipe(sources: dict[str, str | None], slots: list[str], photos: list[Path]) -> str:
    """The mix in words for the mark: photos by number, never by name."""
    from facemod.latent.edits import position

    names = [photo.name for photo in photos]
    parts = [(scale, name) for scale, name in sources.items() if name is not None]
    parts += [tuple(text.split("=", 1)) for text in slots]
    return "mix " + " ".join(f"{part}=photo{position(n, names, part) + 1}" for part, n in parts)
