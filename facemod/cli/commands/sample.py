"""``facemod sample``: faces of people who do not exist."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli.options import Common
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import done, encode_photos, run_each
from facemod.jobs import plan
from facemod.jobs.inputs import require_all
from facemod.jobs.outcome import Outcome
from facemod.jobs.plan import Job

if TYPE_CHECKING:
    from facemod.latent.codes import Codes

Count = Annotated[int, typer.Option("-n", "--count", min=1, help="How many faces.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same faces.")]
Truncation = Annotated[
    float | None,
    typer.Option(
        "--truncation",
        min=0.0,
        max=1.5,
        help="0 is the average face, 1 the full variety; by default what suits the model.",
        show_default=False,
    ),
]


def _from(scale: str) -> object:
    return typer.Option(
        f"--{scale}-from",
        metavar="PHOTO",
        help=f"Keep the {scale} scales of this photo's face.",
        rich_help_panel="Conditional sampling",
    )


def sample(
    common: Common,
    count: Count = 4,
    seed: Seed = 0,
    truncation: Truncation = None,
    coarse_from: Annotated[Path | None, _from("coarse")] = None,
    mid_from: Annotated[Path | None, _from("mid")] = None,
    fine_from: Annotated[Path | None, _from("fine")] = None,
) -> Result:
    """Draw random faces, all at random or with some scales of a real photo."""
    conditions = {"coarse": coarse_from, "mid": mid_from, "fine": fine_from}
    given = {scale: path for scale, path in conditions.items() if path is not None}
    require_all(list(given.values()))
    from facemod.imaging.writing import write_image
    from facemod.latent.codes import check_scales
    from facemod.tensors.pixels import to_pixels

    jobs = plan_samples(count, seed, list(given.values()), common)
    editor = Session(common).editor
    check_scales(given, editor.model.info.slot_resolutions, editor.model.info.family)
    if truncation is None:
        truncation = editor.model.info.truncation
    encoded, problems = encode_photos(
        editor, list(given.values()), common, ["largest"] * len(given)
    )
    if problems:
        return Result("sample", problems)
    donors = {scale: photo.faces[0].codes for scale, photo in zip(given, encoded, strict=True)}
    codes = conditioned(editor.model.sample(count, seed=seed, truncation=truncation), donors)
    codes_of = {job.target: codes[i] for i, job in enumerate(jobs)}
    conditioning = "".join(f" {scale}=photo" for scale in given)
    recipe = f"sample seed={seed} truncation={truncation:g}{conditioning}"
    mark = mark_unless(common, "synthetic", recipe)

    def work(job: Job) -> Outcome:
        pixels = to_pixels(editor.model.decode(codes_of[job.target]))[0]
        write_image(pixels, job.target, mark=mark, overwrite=common.overwrite)
        return done(job, [])

    return run_each("sample", jobs, work, common, warnings=mark_warning(common))


def plan_samples(count: int, seed: int, conditions: list[Path], common: Common) -> list[Job]:
    """One job per face; the same face has the same name, however many are drawn."""
    overwrite, skip = common.overwrite, common.skip_existing
    names = [(Path(f"sample {i}"), Path(f"seed{seed}-{i:03}.png")) for i in range(count)]
    jobs = plan.plan(names, common.output, overwrite=overwrite, skip_existing=skip)
    targets = [job.target for job in jobs]
    plan.check_targets(targets, conditions, overwrite=overwrite, skip_existing=skip)
    return jobs


def conditioned(codes: Codes, donors: Mapping[str, Codes]) -> Codes:
    """Random codes with whole scales replaced by those of real faces."""
    from facemod.latent.codes import Scale

    for scale, donor in donors.items():
        codes = codes.with_slots(codes.slots(Scale(scale)), donor)
    return codes
