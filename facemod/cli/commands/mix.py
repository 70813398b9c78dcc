"""``facemod mix``: some scales of one face over those of others."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Annotated

import typer

from facemod.cli.batch import Batch, describe, find_photos, plan_batch
from facemod.cli.commands.giving import Giving, outcomes_of
from facemod.cli.look_options import (
    AllFaces,
    CompareOption,
    CropOption,
    FidelityOption,
    MinLikeness,
    SizeOption,
)
from facemod.cli.options import Common, Many, PhotosOrList, Where
from facemod.cli.result import Result
from facemod.cli.run import report_all, run_look
from facemod.cli.session import Session, look_of, settings_of
from facemod.cli.together import encode_photos
from facemod.editing.words import parse_size
from facemod.jobs.inputs import require_all
from facemod.jobs.outcome import Outcome, left_aside

MIX_PANEL = "What comes from where"


def _source(flag: str, meaning: str) -> object:
    help_text = f"The photo that gives {meaning}: a file, or the name, stem or number of one."
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
    *,
    coarse_from: CoarseFrom = None,
    mid_from: MidFrom = None,
    fine_from: FineFrom = None,
    slots: Slots = None,
    where: Where,
    common: Common,
    many: Many,
    photos: PhotosOrList = None,
    faces: AllFaces = "largest",
    fidelity: FidelityOption = "transfer",
    size: SizeOption = "auto",
    min_likeness: MinLikeness = None,
    crop: CropOption = False,
    compare: CompareOption = False,
) -> Result:
    """Mix scales of photos: [bold]mix a.jpg b.jpg --coarse-from b[/].

    Each photo that gives nothing is mixed by itself: mix photos/ --coarse-from b.jpg
    """
    asked = {"coarse": coarse_from, "mid": mid_from, "fine": fine_from}
    scales = {scale: name for scale, name in asked.items() if name is not None}
    kind, settings = settings_of(common, many, where, faces=faces, fidelity=fidelity, size=size,
                                 min_likeness=min_likeness, crop=crop, compare=compare)  # fmt: skip
    session = Session(common, parse_size(size, kind), fidelity)
    found = find_photos("mix", photos, common, many)
    giving = Giving.of([photo for photo, _ in found.inputs], scales, slots or [])
    require_all(giving.photos, [photo for photo, _ in found.without(giving.photos)])
    count = len(found.without(giving.photos)) + len(giving.photos)
    logged = session.rung_for_log(count, dry_run=many.dry_run)
    settings |= {"fidelity": logged, "mix": giving.settings}
    batch = plan_batch(found, [kind.suffix], settings, "mix", giving.photos)
    if many.dry_run:
        return describe(batch)
    if skipped := all_there(batch, giving):
        return report_all(batch, lambda _: skipped)
    from facemod.latent.codes import check_scales

    look, editor = look_of(common, where, fidelity, settings), session.editor
    check_scales(scales, editor.model.info.slot_resolutions, editor.model.info.family)
    choices = ["largest"] * len(giving.photos)
    donors, problems = encode_photos(editor, giving.photos, common, choices, session.rung(count))
    if problems:
        outcomes = [*(left_aside(job.source) for job in batch.jobs), *problems]
        unlogged = replace(batch, log=None)  # nothing was begun
        return report_all(unlogged, lambda _: outcomes, session.messages(count))
    also = partial(outcomes_of, donors)
    move, rung = giving.edit(donors), session.rung(count)
    treatment = look.retouch(move, rung, giving.recipe, mark=common.mark)
    return run_look(batch, session, look, treatment, count, also=also)


def all_there(batch: Batch, giving: Giving) -> list[Outcome]:
    """With ``--skip-existing``, all outcomes when every result exists, so that nothing is done."""
    if not batch.common.skip_existing or not all(os.path.lexists(j.target) for j in batch.jobs):
        return []
    mixed = [Outcome(str(job.source), str(job.target), "skipped") for job in batch.jobs]
    own = mixed[0].output if len(mixed) == 1 else None
    return [*mixed, *(Outcome(str(photo), own, "skipped") for photo in giving.photos)]
