"""``facemod train``: making the weights. Everything heavy is imported once a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facemod.cli.options import Printing
from facemod.cli.result import Result

Sources = Annotated[
    list[Path],
    typer.Argument(metavar="SOURCE", help="Folders or zip files of photos.", show_default=False),
]


def train_prepare(
    sources: Sources,
    printing: Printing,
    output: Annotated[Path, typer.Option("--output", "-o", help="The packed set to write.")] = Path(
        "faces.npz"
    ),
    size: Annotated[int, typer.Option(min=32, help="Side of the aligned faces, in px.")] = 128,
) -> Result:
    """Find, align and pack the faces of photos, to train on."""
    from itertools import chain

    from facemod.faces.detect import make_detector
    from facemod.training.data import pack, photos_in

    detector, _ = make_detector("embedded", "cpu")
    count = pack(chain.from_iterable(map(photos_in, sources)), detector, output, size=size)
    return Result(
        "train prepare",
        data={"faces": count, "file": str(output)},
        messages=(f"{count} faces in {output}",),
    )
