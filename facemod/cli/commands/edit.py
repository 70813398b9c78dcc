"""``facemod edit``: named edits on the faces of photos."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import render
from facemod.cli.batch import describe, find_photos, plan_batch
from facemod.cli.commands.presets import span
from facemod.cli.look_options import (
    AllFaces,
    CompareOption,
    CropOption,
    FidelityOption,
    MinLikeness,
    PreviewOption,
    SizeOption,
)
from facemod.cli.options import Common, Many, PhotosOrList, Where
from facemod.cli.preset_options import chosen_strengths, preset_options, strengths_group
from facemod.cli.result import Result, Table
from facemod.cli.run import run_look
from facemod.cli.session import (
    Session,
    digest_of_picture,
    look_of,
    mark_warning,
    settings_of,
)
from facemod.cli.together import read
from facemod.editing.results import ResultKind
from facemod.editing.words import AUTO, parse_size
from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.jobs.film import edit_film, film_of, plan_film
from facemod.jobs.outcome import Outcome
from facemod.latent.presets import find_presets
from facemod.latent.spreads import rows_around, written
from facemod.latent.strengths import PresetEdit, Strength, check_ranges, preset_edit, recipe_of

if TYPE_CHECKING:
    from rich.progress import Progress

    from facemod.editing.editor import Editor
    from facemod.editing.films import Filming
    from facemod.editing.looks import Look
    from facemod.editing.preview import Variant
    from facemod.editing.treatments import Treatment

Strengths = strengths_group()
Force = Annotated[
    bool, typer.Option("--force", help="Let strengths go beyond their natural range.")
]


def edit(
    strengths: Strengths,  # type: ignore[valid-type]
    where: Where,
    common: Common,
    many: Many,
    photos: PhotosOrList = None,
    faces: AllFaces = "all",
    fidelity: FidelityOption = "transfer",
    size: SizeOption = "auto",
    min_likeness: MinLikeness = None,
    crop: CropOption = False,
    compare: CompareOption = False,
    preview: PreviewOption = False,
    force: Force = False,
) -> Result:
    """Edit faces in photos, films, animated GIFs and WebPs: [bold]facemod edit a.jpg --smile 1[/].

    +1 of each is told below; to:+1 is one level for all faces, like:b.jpg that of another photo.
    """
    chosen = chosen_strengths(strengths)
    if not chosen:
        return choices(photos or ())
    warnings = tuple(check_ranges(chosen, force=force))
    kind, settings = settings_of(
        common, many, where, faces=faces, fidelity=fidelity, size=size, min_likeness=min_likeness,
        crop=crop, compare=compare, preview=preview,
    )  # fmt: skip
    settings |= {
        "presets": {name: settings_for(name, strength) for name, strength in chosen.items()},
        "force": force,
    }
    session = Session(common, parse_size(size, kind), fidelity)
    if film := film_of(photos or []):
        refuse_for_films(film, many, kind, fidelity, min_likeness)
        skip, overwrite = common.skip_existing, common.overwrite
        target = plan_film(film, common.output, overwrite=overwrite, skip_existing=skip)
        look = look_of(common, where, fidelity, settings)
        chosen = others_read(chosen, session)
        move, recipe = edit_for(session.editor, chosen, force), recipe_of(chosen)
        filming = filming_of(session, look, move, recipe)
        if skip and target.exists():
            return Result("edit", (Outcome(str(film), str(target), "skipped"),))
        settings["fidelity"] = fidelity
        with render.progress(0, shown=not common.quiet) as bar:
            told = partial(move_bar, bar)
            outcome = edit_film(film, target, filming, settings, overwrite=overwrite, progress=told)
        return Result("edit", (outcome,), warnings=(*warnings, *mark_warning(common)))
    found = find_photos("edit", photos, common, many)
    count = len(found.without())
    settings["fidelity"] = session.rung_for_log(count, dry_run=many.dry_run)
    short = "_".join(f"{name}{chosen[name].short}" for name in sorted(chosen))
    batch = plan_batch(found, [kind.suffix], settings, short)
    if many.dry_run:
        return describe(batch)
    chosen = others_read(chosen, session)
    look = look_of(common, where, fidelity, settings)
    treatment = treatment_for(look, session, chosen, force, count)
    return run_look(batch, session, look, treatment, count, warnings=warnings)


def treatment_for(
    look: Look, session: Session[Common], chosen: dict[str, Strength], force: bool, photos: int
) -> Treatment:
    """What is done with each of so many photos: the edit, or a sheet to choose one from."""
    editor, rung, mark = session.editor, session.rung(photos), session.options.mark
    recipe = recipe_of(chosen)
    if look.kind is ResultKind.PREVIEW:
        rows = [variants_for(editor, row, force) for row in rows_around(chosen)]
        return look.drafts(rows, rung, recipe, mark=mark)
    return look.retouch(edit_for(editor, chosen, force), rung, recipe, mark=mark)


def choices(photos: Sequence[Path]) -> Result:
    """For an edit without an edit: what there is to choose from, and an example."""
    presets = preset_options()
    rows: list[tuple[str, ...]] = []
    for panel, members in groupby(presets.values(), key=lambda preset: preset.panel):
        rows.append((panel, "", ""))
        rows += [(f"  --{preset.name}", span(preset), preset.meaning) for preset in members]
    photo = photos[0] if photos else "PHOTO"
    example = next(iter(sorted(presets, key=lambda name: name != "smile")), "NAME")
    return Result(
        "edit",
        table=Table(("preset", "strength", "what it does"), rows),
        messages=(
            f"facemod presets sheet {photo} draws them all on one face; facemod help edit has more",
        ),
        error=UsageError(
            f"nothing to edit: give at least one preset, for example "
            f"facemod edit {photo} --{example} +1"
        ),
    )


def refuse_for_films(
    film: Path, many: Many, kind: ResultKind, fidelity: str, min_likeness: float | None
) -> None:
    """Raise UsageError for options that are for photos only."""
    if many.dry_run or kind is not ResultKind.PHOTO or min_likeness is not None:
        raise UsageError(
            f"{film}: --dry-run, --crop, --compare, --preview and --min-likeness are for photos, "
            "not for films"
        )
    if fidelity not in (AUTO, "transfer", "encode"):
        raise UsageError(f"{film}: --fidelity {fidelity} fits to one photo; films take transfer")


def filming_of(session: Session[Common], look: Look, move: PresetEdit, recipe: str) -> Filming:
    """How a film gets its look."""
    from facemod.editing.films import Filming
    from facemod.fidelity.ladder import Fidelity

    rung = Fidelity("transfer" if look.fidelity == AUTO else look.fidelity)
    retouch = look.retouch(move, rung, recipe, mark=session.options.mark)
    return Filming(session.editor, retouch, look.faces)


def move_bar(bar: Progress, what: str, frames: int, done: int) -> None:
    """Show how far a film has come."""
    bar.update(bar.task_ids[0], total=frames, completed=done, description=what)


def edit_for(editor: Editor, chosen: dict[str, Strength], force: bool) -> PresetEdit:
    """The presets as an edit of the editor's model."""
    return preset_edit(chosen, editor.model.info.space, limited=not force)


def variants_for(editor: Editor, row: Sequence[dict[str, Strength]], force: bool) -> list[Variant]:
    """One row of a preview: edits of the editor's model and what is written below them."""
    from facemod.editing.preview import Variant

    return [Variant(written(chosen), edit_for(editor, chosen, force)) for chosen in row]


def others_read(chosen: dict[str, Strength], session: Session[Common]) -> dict[str, Strength]:
    """The strengths, with the levels of other photos' faces where they were named."""
    if not any(strength.like for strength in chosen.values()):
        return chosen
    from facemod.editing.like import like_photos

    return like_photos(chosen, session.editor, lambda name: read(Path(name), session.options))


def settings_for(name: str, strength: Strength) -> list[str]:
    """What results depend on: the strength, the preset's file, and the photo that was named."""
    other = [digest_of_picture(Path(strength.like))] if strength.like else []
    return [str(strength), digest_of_preset(name), *other]


def digest_of_preset(name: str) -> str:
    """What a preset's file is known by: with another one, results are others."""
    presets, _ = find_presets()
    return digest(presets[name].path.read_bytes())
