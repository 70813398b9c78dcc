"""Options on which faces are drawn and how results look, each defined once."""

from __future__ import annotations

from typing import Annotated

import typer

from facemod.cli.options import IN_PANEL, MODEL_PANEL, OUT_PANEL

AllFaces = Annotated[
    str,
    typer.Option(
        "--faces",
        help="all, largest, or numbers from the left: 1,3.",
        rich_help_panel=IN_PANEL,
    ),
]
FidelityOption = Annotated[
    str,
    typer.Option(
        "--fidelity",
        metavar="RUNG",
        help="How close to the photo: encode, transfer, refine (seconds a face), adapt (up to a "
        "minute), or auto, by time.",
        rich_help_panel=MODEL_PANEL,
    ),
]
SizeOption = Annotated[
    str,
    typer.Option(
        "--size",
        help="Side of drawn faces in px: 256, 512, 1024, or auto.",
        show_default=False,
        rich_help_panel=MODEL_PANEL,
    ),
]
MinLikeness = Annotated[
    float | None,
    typer.Option(
        "--min-likeness",
        min=-1,
        max=1,
        help="Refuse results less like the person (1: the same).",
        show_default=False,
        rich_help_panel=OUT_PANEL,
    ),
]
CropOption = Annotated[
    bool,
    typer.Option(
        "--crop",
        help="Write the aligned square face as PNG instead.",
        rich_help_panel=OUT_PANEL,
    ),
]
CompareOption = Annotated[
    bool,
    typer.Option(
        "--compare", help="Write a before/after picture instead.", rich_help_panel=OUT_PANEL
    ),
]
PreviewOption = Annotated[
    bool,
    typer.Option(
        "--preview",
        help="Write a sheet of several strengths, to choose from.",
        rich_help_panel=OUT_PANEL,
    ),
]
