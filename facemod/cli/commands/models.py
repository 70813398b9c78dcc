"""``facemod models``: what models there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from facemod.cli.options import Printing
from facemod.cli.result import Result, Table


def models_list(printing: Printing) -> Result:
    """List the models that --model accepts."""
    from facemod.models.registry import model_names

    names = model_names()
    return Result("models list", data=names, table=Table(("model",), [(name,) for name in names]))


def models_info(
    printing: Printing,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model.")] = "bundled",
) -> Result:
    """Show the facts of one model."""
    from facemod.models.registry import load_model

    facts = asdict(load_model(name).info)
    rows = [(key.replace("_", " "), str(value)) for key, value in facts.items()]
    return Result("models info", data=facts, table=Table(("fact", "value"), rows))
