"""``facemod sample``: faces of people who do not exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod import batch
from facemod.batch import Outcome
from facemod.cli import render
from facemod.cli.options import Common
from facemod.cli.result import Result
from facemod.cli.running import encode_photos
from facemod.cli.session import mark_for, mark_message, open_editor
from facemod.imaging.writing import write_image

if TYPE_CHECKING:
    from facemod.latent.codes import Codes
    from facemod.pipeline import Editor

Count = Annotated[int, typer.Option("-n", "--count", min=1, help="How many faces.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same faces.")]
Truncation = Annotated[
    float,
    typer.Option(
        "--truncation", min=0.0, max=1.5, help="0 is the average face, 1 the full variety."
    ),
]


def _from(scale: str) -> object:
    return typer.Option(
        f"--{scale}-from", metavar="PHOTO", help=f"Keep the {scale} scales of this photo's face.",
        rich_help_panel="Conditional sampling",
    )


def sample(
    common: Common,
    count: Count = 4,
    seed: Seed = 0,
    truncation: Truncation = 0.7,
    coarse_from: Annotated[Path | None, _from("coarse")] = None,
    mid_from: Annotated[Path | None, _from("mid")] = None,
    fine_from: Annotated[Path | None, _from("fine")] = None,
) -> Result:
    """Draw random faces, all at random or with some scales of a real photo."""
    conditions = {"coarse": coarse_from, "mid": mid_from, "fine": fine_from}
    given = {scale: path for scale, path in conditions.items() if path is not None}
    width = len(str(count - 1))
    targets = [common.output / f"seed{seed}-{i:0{width}}.png" for i in range(count)]
    if not (common.overwrite or common.skip_existing):
        batch.refuse_existing(targets)
    editor, aligner = open_editor(common)
    codes = editor.model.sample(count, seed=seed, truncation=truncation)
    if given:
        encoded, problems = encode_photos(editor, list(given.values()), common, "largest")
        if problems:
            return Result("sample", tuple(problems), messages=(aligner,))
        donors = [faces[0].codes for _, faces in encoded]
        codes = conditioned(codes, dict(zip(given, donors, strict=True)))
    recipe = " ".join([f"sample seed={seed} truncation={truncation:g}", *(f"{s}=photo" for s in given)])
    outcomes = write_samples(editor, codes, targets, recipe, common)
    return Result("sample", tuple(outcomes), messages=mark_message(common))


def conditioned(codes: Codes, donors: dict[str, Codes]) -> Codes:
    """Random codes with whole scales replaced by those of real faces."""
    from facemod.latent.codes import Scale

    for scale, donor in donors.items():
        codes = codes.with_slots(codes.slots(Scale(scale)), donor)
    return codes


def write_samples(
    editor: Editor, codes: Codes, targets: list[Path], recipe: str, common: Common
) -> list[Outcome]:
    """Decode and write one face at a time."""
    from facemod.pipeline import to_pixels

    mark = mark_for(common, "synthetic", recipe)
    outcomes = []
    with render.progress(len(targets), shown=not common.quiet) as bar:
        for i, target in enumerate(targets):
            if common.skip_existing and target.exists():
                outcomes.append(Outcome(f"seed {i}", str(target), "skipped"))
            else:
                pixels = to_pixels(editor.model.decode(codes[i]))[0]
                write_image(pixels, target, mark=mark, overwrite=common.overwrite)
                outcomes.append(Outcome(f"sample {i}", str(target), "done"))
            bar.update(bar.task_ids[0], advance=1, description=target.name)
    return outcomes
