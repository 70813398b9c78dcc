"""``facemod edit``: named edits on the faces of photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facemod.cli.batches import find_photos, plan_batch, shown
from facemod.cli.films import film_of, film_result, plan_film
from facemod.cli.looks import Look
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
from facemod.cli.session import mark_for, mark_warning, shown_in
from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.latent.presets import find_presets
from facemod.latent.strengths import PresetEdit, Strength, preset_edit

if TYPE_CHECKING:
    from facemod.editing.corridor import Editor

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
    look = Look.of(common, many, where, faces, fidelity, size, min_likeness, crop, compare)
    settings = {
        **look.settings,
        "presets": {name: [str(chosen[name]), digest_of_preset(name)] for name in chosen},
        "force": force,
    }
    if film := film_of(photos or []):
        return edited_film(film, look, many, chosen, {**settings, "fidelity": fidelity}, warnings)
    found = find_photos("edit", photos, common, many)
    count = len(found.without())
    settings["fidelity"] = look.opening.rung_for_log(count, many)
    short = "_".join(f"{name}{chosen[name]}" for name in sorted(chosen)).replace(":", "")
    batch = plan_batch(found, [look.kind.suffix], settings, short)
    if many.dry_run:
        return shown(batch)
    move = edit_for(look.opening.editor, chosen, force)
    told = {"notes": move.notes, "warnings": warnings}
    return look.perform(batch, move, recipe_of(chosen), count, boxes=move.region, **told)


def edited_film(
    film: Path, look: Look, many: Many, chosen: dict[str, Strength], settings: dict[str, Any],
    warnings: tuple[str, ...],
) -> Result:  # fmt: skip
    """Edit the frames of a film; ``settings`` are as for photos."""
    from facemod.editing.corridor import Fidelity
    from facemod.editing.films import Filming

    common, fidelity = look.common, settings["fidelity"]
    target = plan_film(film, common, many, look.kind, fidelity, look.min_likeness)
    rung = Fidelity("transfer" if fidelity == "auto" else fidelity)
    editor = look.opening.editor
    move = edit_for(editor, chosen, settings["force"])
    regions = look.regions or shown_in(move.region, rung)
    filming = Filming(editor, move, look.faces, rung, regions)
    mark = mark_for(common, "composite", recipe_of(chosen))
    warnings = (*warnings, *mark_warning(common))
    words = look.opening.messages(1)[:1]
    return film_result(film, target, filming, settings, common, mark, words, warnings)


def edit_for(editor: Editor, chosen: dict[str, Strength], force: bool) -> PresetEdit:
    """The presets as an edit of the editor's model."""
    info = editor.model.info
    return preset_edit(
        chosen, info.slots, info.dim, family=info.family, model=info.name, limited=not force
    )


def recipe_of(chosen: dict[str, Strength]) -> str:
    """The edit in words, for the mark."""
    return "edit " + " ".join(f"{name}={chosen[name]}" for name in sorted(chosen))


def digest_of_preset(name: str) -> str:
    """What a preset's file is known by: with another one, results are others."""
    presets, _ = find_presets()
    return digest(presets[name].path.read_bytes())


def check_ranges(strengths: dict[str, Strength], *, force: bool) -> list[str]:
    """A line for each strength outside of its preset's natural range.

    Raises:
        UsageError: there are such, and nobody said ``force``.
    """
    presets, _ = find_presets()
    ranges = {name: presets[name].range for name in strengths}
    beyond = [
        f"--{name} {strength} is beyond its natural range "
        f"({ranges[name][0]:+g} to {ranges[name][1]:+g})"
        for name, strength in strengths.items()
        if not strength.absolute and not ranges[name][0] <= strength.value <= ranges[name][1]
    ]
    if beyond and not force:
        raise UsageError(f"{'; '.join(beyond)}; --force does it all the same")
    return [f"{line}; expect artefacts" for line in beyond]
