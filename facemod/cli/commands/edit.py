"""``facemod edit``: named edits on the faces of photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli.batches import no_copies, plan_batch, shown
from facemod.cli.films import film_of, film_result, plan_film
from facemod.cli.options import (
    AllFaces,
    Common,
    CompareOption,
    CropOption,
    FidelityOption,
    Many,
    PhotosOrList,
    SizeOption,
    Where,
    chosen_strengths,
    strengths_group,
)
from facemod.cli.performing import perform_batch
from facemod.cli.result import Result
from facemod.cli.session import (
    check_faces,
    check_fidelity,
    mark_for,
    mark_warning,
    open_editor,
    parse_size,
    parse_where,
    settle_fidelity,
)
from facemod.errors import UsageError
from facemod.journal import digest
from facemod.latent.presets import find_presets
from facemod.latent.strengths import PresetEdit, Strength, preset_edit
from facemod.results import ResultKind

if TYPE_CHECKING:
    from facemod.pipeline import Editor

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
    warnings = (*check_ranges(chosen, force=force), *mark_warning(common))
    check_faces(faces)
    regions = parse_where(where, common)
    check_fidelity(fidelity)
    kind = ResultKind.of(crop=crop, compare=compare)
    chosen_size = parse_size(size, kind)
    if kind is not ResultKind.PHOTO:
        no_copies(many)
    settings = {
        "presets": {name: [str(chosen[name]), digest_of_preset(name)] for name in chosen},
        "faces": faces,
        "fidelity": fidelity,
        "size": size,
        "kind": kind.value,
        "force": force,
        "where": [where.only, where.protect, where.mask and digest(where.mask.read_bytes())],
    }
    if film := film_of(photos or []):
        target = plan_film(film, common, many, kind, fidelity)
        editor, aligner = open_editor(common, chosen_size)
        rung = settle_fidelity("transfer" if fidelity == "auto" else fidelity, editor.model, 1)[0]
        from facemod.filming import Filming

        filming = Filming(editor, edit_for(editor, chosen, force), faces, rung, regions)
        mark = mark_for(common, "composite", recipe_of(chosen))
        return film_result(film, target, filming, settings, common, mark, (aligner,), warnings)
    short = "_".join(f"{name}{chosen[name]}" for name in sorted(chosen)).replace(":", "")
    batch = plan_batch("edit", photos, common, many, [kind.suffix], settings, edit=short)
    if many.dry_run:
        return shown(batch)
    from facemod.tasks import Edit

    editor, aligner = open_editor(common, chosen_size)
    rung, words = settle_fidelity(fidelity, editor.model, len(batch.jobs))
    move = edit_for(editor, chosen, force)
    mark = mark_for(common, kind.mark_kind(rung), recipe_of(chosen))
    task = Edit(move, rung, kind, mark, move.notes, regions)
    return perform_batch(batch, task, editor, faces, (aligner, *words), warnings)


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
