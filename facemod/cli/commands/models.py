"""``facemod models``: what models there are, and getting more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facemod.cli import completing, render
from facemod.cli.options import Printing
from facemod.cli.result import Result, Table
from facemod.cli.signals import code_of
from facemod.errors import FacemodError, ModelError, UsageError, explained
from facemod.models.store import RESERVED as BUNDLED
from facemod.models.wavelet import FAMILY as bundled

if TYPE_CHECKING:
    from facemod.models.importing.convert import Imported
    from facemod.models.store import Stored

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A model.", show_default=False, autocompletion=completing.models
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is installed.")]


def models_list(printing: Printing) -> Result:
    """List the models that --model accepts."""
    from facemod.files.folders import models_folder
    from facemod.models.importing.releases import RELEASES
    from facemod.models.store import stored_models

    stored = stored_models()
    rows, problems = described(stored.values())
    missing = "; ".join(
        f"{name} ({release.about})" for name, release in RELEASES.items() if name not in stored
    )
    advice = (f"`facemod models pull NAME` fetches {missing}",) if missing else ()
    return Result(
        "models list",
        data=rows,
        table=Table(
            ("model", "family", "px", "file"), [tuple(map(str, row.values())) for row in rows]
        ),
        messages=(*advice, f"your models: {models_folder()}"),
        warnings=problems,
    )


def described(models: Iterable[Stored]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """A row for the bundled model and for each of the user's, and what is wrong with others."""
    rows: list[dict[str, Any]] = [
        {
            "name": BUNDLED,
            "family": bundled.name,
            "resolution": bundled.resolution,
            "file": "in facemod",
        }
    ]
    problems = []
    for model in models:
        try:
            facts = model.facts()
        except ModelError as error:
            problems.append(str(error))
            continue
        rows.append(
            {
                "name": model.name,
                "family": str(facts.get("family", "?")),
                "resolution": facts.get("resolution", "?"),
                "file": str(model.path),
            }
        )
    return rows, tuple(problems)


def models_info(
    printing: Printing,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME|FILE", help="A model.", autocompletion=completing.models),
    ] = BUNDLED,
) -> Result:
    """Show the facts of one model."""
    from facemod.models.registry import load_model

    return Result("models info", **listing(asdict(load_model(name).info)))


def models_import(
    printing: Printing,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A checkpoint, delta or model file.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="What to call the model.")] = None,
    overwrite: Overwrite = False,
) -> Result:
    """Convert a published checkpoint into a model, or an attribute delta into a preset.

    A model file that training wrote becomes a model of yours as it is.
    The file is read as weights only: nothing in it is ever run.
    """
    if not file.is_file():
        raise ModelError(f"{file}: {'a folder' if file.is_dir() else 'no such file'}")
    from facemod.models.importing.convert import import_file

    return imported_result("models import", import_file(file, name, overwrite=overwrite))


def models_pull(
    printing: Printing,
    name: Annotated[str, typer.Argument(metavar="NAME", help="For example ffhq512.")],
    overwrite: Overwrite = False,
) -> Result:
    """Fetch a published automodulator (about 1 GB) and convert it; goes on where it was cut off."""
    from facemod.models.importing.pull import pull

    try:
        with render.transfer(f"fetching {name}", shown=not printing.quiet) as report:
            imported = pull(name, report, overwrite=overwrite)
    except KeyboardInterrupt as stop:
        advice = "interrupted; what arrived is kept, and the same command goes on from there"
        return Result("models pull", messages=(advice,), interrupted=code_of(stop))
    return imported_result("models pull", imported)


def models_remove(name: Name, printing: Printing) -> Result:
    """Delete a model of yours."""
    from facemod.models.store import remove, stored_model

    if name == BUNDLED:
        raise UsageError(f"{BUNDLED} is part of facemod and cannot be removed")
    model = stored_model(name)
    remove(model)
    return Result("models remove", data={"name": name}, messages=(f"removed {model.path}",))


def models_verify(
    printing: Printing,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="By default all.")
    ] = None,
) -> Result:
    """Check that models are whole: their files are what was installed, and load."""
    from facemod.models.names import model_names

    rows, failed = [], []
    for name in names or model_names():
        try:
            rows.append((name, "ok", verified(name)))
        except FacemodError as problem:
            rows.append((name, "problem", str(explained(problem))))
            failed.append(name)
    columns = ("model", "state", "detail")
    return Result(
        "models verify",
        data=[dict(zip(columns, row, strict=True)) for row in rows],
        table=Table(columns, rows),
        error=ModelError(f"problems with: {', '.join(failed)}") if failed else None,
    )


def verified(name: str) -> str:
    """What is known of a model after checking it; raises FacemodError for a damaged one."""
    from facemod.models.registry import load_model
    from facemod.models.store import check_unchanged, stored_model

    state = "part of facemod" if name == BUNDLED else check_unchanged(stored_model(name))
    info = load_model(name).info
    return f"{state}; {info.family}, {info.resolution} px, {info.parameters / 1e6:.1f} M parameters"


def imported_result(command: str, imported: Imported) -> Result:
    """What an import made."""
    return Result(command, **listing(imported.facts), messages=imported.notes)


def listing(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts as data and as a table."""
    rows = [(key.replace("_", " "), str(value)) for key, value in facts.items()]
    return {"data": facts, "table": Table(("fact", "value"), rows)}
