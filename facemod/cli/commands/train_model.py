"""``facemod train FOLDER``: a model of one's own, from any pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facemod.cli import render
from facemod.cli.commands.train import perform
from facemod.cli.options import Printing
from facemod.cli.result import Result, Table
from facemod.errors import UsageError
from facemod.training.introspective.options import ModelOptions, Plan, planned, precise
from facemod.training.settings import LoopOptions, plain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from facemod.training.loop import Task

# Two networks against each other need the range of these; 16-mixed has less.
PRECISIONS = ("auto", "bf16-mixed", "32-true")
Pictures = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER",
        help="A folder or zip file of pictures, or a file of `facemod train prepare`.",
        show_default=False,
    ),
]
Run = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="RUN", help="The run's folder; one that exists goes on.",
        show_default=False,
    ),
]  # fmt: skip
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the options and the schedule; train nothing.")
]


def train_model(
    pictures: Pictures,
    output: Run,
    options: ModelOptions,
    loop: LoopOptions,
    printing: Printing,
    dry_run: DryRun = False,
) -> Result:
    """Train encoder and decoder of a new model, from scratch. `facemod train FOLDER` does, too.

    The run's folder gets model.safetensors, which --model of every other command takes.
    """
    if not pictures.exists():
        raise UsageError(f"{pictures}: no such folder or file")
    if loop.precision not in PRECISIONS:
        raise UsageError(f"--precision {loop.precision}: here, it is {' or '.join(PRECISIONS)}")
    plan = planned(options)
    loop = replace(loop, precision=precise(loop.precision, plan.method))
    if options.kimg or (loop.steps is None and loop.minutes is None):
        loop = replace(loop, steps=plan.schedule.steps(options.kimg, loop.devices * loop.machines))
    facts = {"pictures": str(pictures), **plain(options, loop)}
    if dry_run:
        return dry(plan, loop, facts, printing)

    from facemod.training.introspective.pictures import gathered

    counts = gathered(pictures, output, options.resolution)
    if counts.unreadable:
        render.say(f"{counts.unreadable} pictures cannot be read and are left out")

    def build(fabric: Fabric) -> Task:
        from facemod.training.introspective.pictures import Pictures
        from facemod.training.introspective.trainer import Trainer

        squares = Pictures(counts.path, counts.size, mirror=options.mirror)
        return Trainer(plan, options, squares, fabric)

    return perform("train model", build, output, facts, loop, printing)


def dry(plan: Plan, loop: LoopOptions, facts: dict[str, Any], printing: Printing) -> Result:
    """The options, and a table of the stages."""
    if not printing.quiet:
        render.say(json.dumps(facts, indent=2))
    rows = []
    for stage, share, batch in plan.schedule.shares():
        steps = f"{share * loop.steps:.0f}" if loop.steps else ""
        settings = (str(batch), f"{stage.learning_rate:g}", f"{stage.margin:g}")
        rows.append((f"{4 << stage.level} px", f"{share:.0%}", steps, *settings))
    columns = ("resolution", "share", "steps", "batch", "learning rate", "margin")
    return Result("train model", data=facts, table=Table(columns, rows))
