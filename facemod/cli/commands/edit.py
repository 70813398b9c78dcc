"""``facemod edit``: named edits on the faces of photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli.batch import describe, find_photos, plan_batch
from facemod.cli.commands.film import edit_film, film_of, plan_film
from facemod.cli.options import (
    AllFaces,
    Common,
    CompareOption,
    CropOption,
    FidelityOption,
    Many,
    MinLikeness,
    PhotosOrList,
    SizeOption,
    Where,
    chosen_strengths,
    strengths_group,
)
from facemod.cli.result import Result
from facemod.cli.run import run_look
from facemod.cli.session import Session, look_of
from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.latent.presets import find_presets
from facemod.latent.strengths import PresetEdit, Strength, check_ranges, preset_edit, recipe_of

if TYPE_CHECKING:
    from facemod.editing.editor import Editor

Strengths = strengths_group()
Force = Annotated[
    bool, typer.Option("--force", help="Let strengths go beyond their natural range.")
]


def edit(
    strengths: Strengths,  # type: ignore[valid-type]
    common: Common,
    many: Many,
    where: Where,
    photos: PhotosOrList = None,
    faces: AllFaces = "all",
    fidelity: FidelityOption = "transfer",
    size: SizeOption = "auto",
    min_likeness: MinLikeness = None,
    crop: CropOption = False,
    compare: CompareOption = False,
    force: Force = False,
) -> Result:
    """Edit faces by name: [bold]facemod edit photos/ --smile +1.5 --age -1[/].

    Strength +1 is one standard deviation more; to:+1 goes to where a face with one standard
    deviation more than the average stands, wherever the photo's face is.
    """
    chosen = chosen_strengths(strengths)
    if not chosen:
        raise UsageError("nothing to edit: give at least one preset, for example --smile +1")
    warnings = tuple(check_ranges(chosen, force=force))
    look, settings = look_of(common, many, where, faces=faces, fidelity=fidelity, size=size,
                             min_likeness=min_likeness, crop=crop, compare=compare)  # fmt: skip
    settings |= {
        "presets": {name: [str(chosen[name]), digest_of_preset(name)] for name in chosen},
        "force": force,
    }
    session = Session(common, look.side, fidelity)
    recipe = recipe_of(chosen)
    if film := film_of(photos or []):
        target = plan_film(film, common, many, look)
        return edit_film(
            film, target, session, look, edit_for(session.editor, chosen, force), recipe,
            settings, warnings,
        )  # fmt: skip
    found = find_photos("edit", photos, common, many)
    count = len(found.without())
    settings["fidelity"] = session.rung_for_log(count, dry_run=many.dry_run)
    short = "_".join(f"{name}{chosen[name]}" for name in sorted(chosen)).replace(":", "")
    batch = plan_batch(found, [look.kind.suffix], settings, short)
    if many.dry_run:
        return describe(batch)
    move = edit_for(session.editor, chosen, force)
    return run_look(batch, session, look, move, recipe, count, warnings=warnings)


def edit_for(editor: Editor, chosen: dict[str, Strength], force: bool) -> PresetEdit:
    """The presets as an edit of the editor's model."""
    info = editor.model.info
    return preset_edit(
        chosen, info.slots, info.dim, family=info.family, model=info.name, limited=not force
    )


def digest_of_preset(name: str) -> str:
    """What a preset's file is known by: with another one, results are others."""
    presets, _ = find_presets()
    return digest(presets[name].path.read_bytes())
