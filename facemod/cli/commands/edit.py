"""``facemod edit``: named edits on the faces of photos."""

from __future__ import annotations

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
from facemod.latent.presets import edit_direction, find_presets
from facemod.planning import Job

Strengths = strengths_group()


def edit(
    photos: Photos,
    strengths: Strengths,  # type: ignore[valid-type]
    common: Common,
    faces: AllFaces = "all",
    fidelity: FidelityOption = "transfer",
    crop: CropOption = False,
    compare: CompareOption = False,
) -> Result:
    """Edit faces by name: [bold]facemod edit photos/ --smile +1.5 --age -1[/]."""
    chosen = chosen_strengths(strengths)
    if not chosen:
        raise UsageError("nothing to edit: give at least one preset, for example --smile +1")
    check_faces(faces)
    chosen_fidelity = parse_fidelity(fidelity)
    kind = ResultKind.of(crop=crop, compare=compare)
    jobs = plan_photos(photos, common, [kind.suffix])
    editor, aligner = open_editor(common)
    info = editor.model.info
    shift = edit_direction(chosen, info.slots, info.dim, family=info.family)
    recipe = "edit " + " ".join(f"{name}={value:+g}" for name, value in sorted(chosen.items()))
    mark = mark_for(common, kind.mark_kind(chosen_fidelity), recipe)

    def work(job: Job) -> Outcome:
        photo = read(job.source, common)
        edited, results = editor.edit_photo(
            photo, lambda codes: codes.shifted(shift), faces=faces, fidelity=chosen_fidelity
        )
        notes = write_result(kind, photo, edited, results, job.target, mark, common.overwrite)
        found = [face_outcome(result.crop.face, result.scores) for result in results]
        return done(job, found, (*photo.source.notes, *notes))

    warnings = (*range_warnings(chosen), *mark_warning(common))
    return perform("edit", jobs, work, common, (aligner,), warnings)


def range_warnings(strengths: dict[str, float]) -> list[str]:
    """A line for each strength outside of its preset's natural range."""
    presets, _ = find_presets()
    return [
        f"--{name} {strength:+g} is beyond its natural range "
        f"({presets[name].range[0]:+g} to {presets[name].range[1]:+g}); expect artefacts"
        for name, strength in strengths.items()
        if not presets[name].range[0] <= strength <= presets[name].range[1]
    ]
