"""``facemod mix``: some scales of one face over another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.batch import FaceOutcome
from facemod.cli.options import (
    AllFaces,
    Common,
    CompareOption,
    CropOption,
    FidelityOption,
    Photos,
    SizeOption,
    Where,
)
from facemod.cli.result import Result
from facemod.cli.running import (
    all_photos,
    already_there,
    encode_photos,
    plan_together,
    read,
)
from facemod.cli.session import (
    check_faces,
    check_fidelity,
    check_scales,
    mark_for,
    mark_warning,
    open_editor,
    parse_size,
    parse_where,
    settle_fidelity,
)
from facemod.errors import UsageError
from facemod.inputs import WRITABLE_SUFFIXES
from facemod.planning import result_name
from facemod.results import ResultKind, result_file

if TYPE_CHECKING:
    from torch import Tensor

    from facemod.fidelity.regions import Regions
    from facemod.imaging.photo import Photo
    from facemod.latent.codes import Codes
    from facemod.pipeline import EditFunction, EncodedFace

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
        "--slots",
        metavar="A-B=PHOTO",
        help="Exact slots, such as 3-8=b.",
        show_default=False,
        rich_help_panel=MIX_PANEL,
    ),
]


def mix(
    photos: Photos,
    common: Common,
    where: Where,
    coarse_from: CoarseFrom = None,
    mid_from: MidFrom = None,
    fine_from: FineFrom = None,
    slots: Slots = None,
    faces: AllFaces = "largest",
    fidelity: FidelityOption = "transfer",
    size: SizeOption = "auto",
    crop: CropOption = False,
    compare: CompareOption = False,
) -> Result:
    """Mix scales of photos; the first is the base: [bold]mix a.jpg b.jpg --coarse-from b[/]."""
    from facemod.imaging.atomic import write_bytes
    from facemod.pipeline import Fidelity, composited

    photos = all_photos(photos, common)
    names = [str(photo) for photo in photos]
    scales = {"coarse": coarse_from, "mid": mid_from, "fine": fine_from}
    scales = {scale: name for scale, name in scales.items() if name is not None}
    recipe = mix_recipe(names, scales, slots or [])
    check_faces(faces)
    regions = parse_where(where, common)
    check_fidelity(fidelity)
    kind = ResultKind.of(crop=crop, compare=compare)
    chosen_size = parse_size(size, kind)
    target = target_for(photos, kind, common)
    if skipped := already_there("mix", photos, target, common):
        return skipped
    editor, aligner = open_editor(common, chosen_size)
    check_scales(editor, scales)
    rung, words = settle_fidelity(fidelity, editor.model, len(photos))
    choices = [faces, *["largest"] * len(photos[1:])]
    encoded, problems = encode_photos(editor, photos, common, choices, rung)
    if problems:
        return Result("mix", problems, messages=(aligner,))
    base, *donors = encoded
    donor_codes = [donor.faces[0].codes for donor in donors]
    edits = [mixture([face.codes, *donor_codes], names, scales, slots or []) for face in base.faces]
    photo = read(base.path, common)
    seen = regions_of(regions, photo, base.faces)
    faces_after = editor.edit_faces(base.faces, edits, rung, seen)
    # What is outside of the regions stays bit for bit.
    edited = composited(photo, faces_after, rung if regions is None else Fidelity.TRANSFER)
    mark = mark_for(common, kind.mark_kind(rung), recipe)
    data, notes = result_file(kind, photo, edited, faces_after, target, mark)
    write_bytes(data, target, overwrite=common.overwrite)
    scored = tuple(FaceOutcome.of(face.crop.face, face.scores) for face in faces_after)
    result = replace(base.done(target), faces=scored, notes=(*photo.source.notes, *notes))
    outcomes = (result, *(donor.done(target) for donor in donors))
    return Result("mix", outcomes, messages=(aligner, *words), warnings=mark_warning(common))


def regions_of(
    regions: Regions | None, photo: Photo, faces: Sequence[EncodedFace]
) -> list[Tensor] | None:
    """Where the mix may show on each face of the base photo; everywhere if it is None."""
    if regions is None:
        return None
    regions.check(photo.rgb.shape[1::-1])
    return regions.of([face.crop for face in faces])


def mix_recipe(names: Sequence[str], scales: Mapping[str, str], slots: Sequence[str]) -> str:
    """The mix in words for the mark: photos by number, never by name.

    Raises:
        UsageError: there is nothing to mix, or a photo or slots are named wrongly.
    """
    from facemod.latent.edits import parse_slots, position

    if len(names) < 2:
        raise UsageError("mix needs a base photo and at least one other")
    if not scales and not slots:
        raise UsageError("nothing to mix: give --coarse-from, --mid-from, --fine-from or --slots")
    parts = [(scale, position(name, names, f"--{scale}-from")) for scale, name in scales.items()]
    for text in slots:
        chosen, name = parse_slots(text)
        parts.append((f"{chosen.start}-{chosen.stop - 1}", position(name, names, "--slots")))
    return "mix " + " ".join(f"{part}=photo{photo + 1}" for part, photo in parts)


def target_for(photos: Sequence[Path], kind: ResultKind, common: Common) -> Path:
    """Where the result goes: by default it is called as the base photo is."""
    name = result_name(Path(photos[0].name), kind.suffix)
    return plan_together(photos, common, str(name), WRITABLE_SUFFIXES)


def mixture(
    codes: list[Codes], names: Sequence[str], scales: Mapping[str, str], slots: Sequence[str]
) -> EditFunction:
    """The edit for one face of the base photo, whose codes come first."""
    from facemod.latent.codes import Scale
    from facemod.latent.edits import mix_parts

    by_scale = {Scale(scale): name for scale, name in scales.items()}
    return mix_parts(codes, names, by_scale, slots).apply
