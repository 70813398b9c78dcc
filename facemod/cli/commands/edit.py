"""``facemod edit``: named edits on the faces of photos."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from facemod.batch import Outcome
from facemod.cli.options import (
    AllFaces,
    Common,
    CompareOption,
    CropOption,
    FidelityOption,
    Photos,
    chosen_strengths,
    strengths_group,
)
from facemod.cli.result import Result
from facemod.cli.running import done, face_outcome, perform, plan_photos, read
from facemod.cli.session import check_faces, mark_for, mark_warning, open_editor, parse_fidelity
from facemod.cli.writing import ResultKind, write_result
from facemod.errors import UsageError
from facemod.latent.presets import find_presets
from facemod.latent.strengths import Strength, preset_edit
from facemod.planning import Job

if TYPE_CHECKING:
    from facemod.latent.codes import Codes

Strengths = strengths_group()
Force = Annotated[
    bool, typer.Option("--force", help="Let strengths go beyond their natural range.")
]


def edit(
    photos: Photos,
    strengths: Strengths,  # type: ignore[valid-type]
    common: Common,
    faces: AllFaces = "all",
    fidelity: FidelityOption = "transfer",
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
    warnings = check_ranges(chosen, force=force)
    check_faces(faces)
    chosen_fidelity = parse_fidelity(fidelity)
    kind = ResultKind.of(crop=crop, compare=compare)
    jobs = plan_photos(photos, common, [kind.suffix])
    editor, aligner = open_editor(common)
    info = editor.model.info
    move = preset_edit(chosen, info.slots, info.dim, family=info.family, limited=not force)
    recipe = "edit " + " ".join(f"{name}={chosen[name]}" for name in sorted(chosen))
    mark = mark_for(common, kind.mark_kind(chosen_fidelity), recipe)

    def work(job: Job) -> Outcome:
        photo = read(job.source, common)
        encoded: list[Codes] = []

        def edit_codes(codes: Codes) -> Codes:
            encoded.append(codes)
            return move(codes)

        edited, results = editor.edit_photo(
            photo, edit_codes, faces=faces, fidelity=chosen_fidelity
        )
        limits = [
            f"face {result.crop.face.index}: {note}"
            for result, codes in zip(results, encoded, strict=True)
            for note in move.notes(codes)
        ]
        notes = write_result(kind, photo, edited, results, job.target, mark, common.overwrite)
        found = [face_outcome(result.crop.face, result.scores) for result in results]
        return done(job, found, (*photo.source.notes, *limits, *notes))

    return perform("edit", jobs, work, common, (aligner,), (*warnings, *mark_warning(common)))


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
