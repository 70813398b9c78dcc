"""Options that several commands share, each defined once; :mod:`facemod.cli.expand` fills them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from facemod.cli import completing
from facemod.imaging.limits import MAX_MEGAPIXELS
from facemod.jobs.inputs import DEFAULT_OUTPUT
from facemod.tensors.devices import check_devices

IN_PANEL = "Photos"
OUT_PANEL = "Results"
MODEL_PANEL = "Model"
BATCH_PANEL = "Many photos"

Photos = Annotated[
    list[Path],
    typer.Argument(metavar="PHOTO", help="Photos, or folders of photos.", show_default=False),
]
PhotosOrList = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PHOTO", help="Photos, folders of photos, or quoted globs.", show_default=False
    ),
]


@dataclass(frozen=True)
class Printing:
    """How results are reported."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print problems only.")] = False


@dataclass(frozen=True)
class Reading(Printing):
    """What every command that reads photos with the model takes."""

    recursive: Annotated[
        bool,
        typer.Option("--recursive", "-r", help="Look into sub-folders.", rich_help_panel=IN_PANEL),
    ] = False
    take_results: Annotated[
        bool,
        typer.Option(
            "--take-results",
            help="Take earlier results in folders for photos, too.",
            rich_help_panel=IN_PANEL,
        ),
    ] = False
    max_megapixels: Annotated[
        float,
        typer.Option(
            envvar="FACEMOD_MAX_MEGAPIXELS",
            min=0,
            help="Refuse larger photos.",
            rich_help_panel=IN_PANEL,
        ),
    ] = MAX_MEGAPIXELS
    aligner: Annotated[
        str,
        typer.Option(
            envvar="FACEMOD_ALIGNER",
            help="How faces are found: auto, embedded, face-alignment, or none in aligned ones.",
            rich_help_panel=IN_PANEL,
        ),
    ] = "auto"
    model: Annotated[
        str,
        typer.Option(
            envvar="FACEMOD_MODEL",
            metavar="NAME|FILE",
            autocompletion=completing.models,
            help="A name from `facemod models list`, or a model file.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "bundled"
    noise: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="SEED",
            help="Let the decoder add noise drawn from this seed (automodulators).",
            rich_help_panel=MODEL_PANEL,
            show_default=False,
        ),
    ] = None
    device: Annotated[
        str,
        typer.Option(
            envvar="FACEMOD_DEVICE",
            help="auto, cpu, mps, cuda or cuda:N; several with commas.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = "auto"

    def __post_init__(self) -> None:
        """Refuse names that mean nothing before anything large is imported."""
        from facemod.faces.words import check_aligner
        from facemod.models.names import check_model

        check_model(self.model)
        check_aligner(self.aligner)
        check_devices(self.device)


@dataclass(frozen=True)
class Showing:
    """Whether results are shown at once."""

    open: Annotated[
        bool, typer.Option("--open", help="Open the result in the desktop's viewer.")
    ] = False
    show: Annotated[
        bool, typer.Option("--show", help=escape("Draw results in the terminal (facemod[show])."))
    ] = False


@dataclass(frozen=True)
class Common(Showing, Reading):
    """What every command that makes pictures from photos takes."""

    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A folder, a file, or for many photos a template: '{dir}/{stem}-{edit}{ext}'.",
            rich_help_panel=OUT_PANEL,
        ),
    ] = DEFAULT_OUTPUT
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace existing results.", rich_help_panel=OUT_PANEL),
    ] = False
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing", help="Leave photos whose result exists.", rich_help_panel=OUT_PANEL
        ),
    ] = False
    mark: Annotated[
        bool,
        typer.Option(
            "--mark/--no-mark",
            help="Say in the results' metadata that they were edited with AI.",
        ),
    ] = True


def _batch(*names: str, **more: Any) -> Any:
    return typer.Option(*names, rich_help_panel=BATCH_PANEL, show_default=False, **more)


@dataclass(frozen=True)
class Many:
    """What every command takes that makes something of each photo by itself."""

    files_from: Annotated[
        str | None,
        _batch(metavar="FILE", help="Also take the photos listed in FILE, or on stdin for -."),
    ] = None
    null: Annotated[
        bool, _batch("--null", "-0", help="The list has NUL bytes between names, not newlines.")
    ] = False
    retry_failed: Annotated[
        Path | None,
        _batch(metavar="LOG", help="Take the photos that failed in an earlier run, by its log."),
    ] = None
    shard: Annotated[
        str | None, _batch(metavar="I/N", help="Do the Ith of N parts, on as many machines.")
    ] = None
    dry_run: Annotated[
        bool, _batch("--dry-run", help="Show what would be written where; do nothing.")
    ] = False
    jsonl: Annotated[
        bool, _batch("--jsonl", help="Print each outcome as a line of JSON when it is there.")
    ] = False
    fail_fast: Annotated[
        bool, _batch("--fail-fast", help="Begin no more photos after the first failure.")
    ] = False
    on_no_face: Annotated[
        str,
        _batch(
            metavar="WHAT",
            help="Photos without a face: report (failures only if no photo has one), fail, skip, "
            "or copy to their places.",
        ),
    ] = "report"
    jobs: Annotated[int | None, _batch(min=0, help="Photos read and written at the same time.")] = (
        None
    )
    batch_size: Annotated[
        int | None, _batch(min=1, help="Faces that go through the model together.")
    ] = None
    engine: Annotated[
        str, _batch(metavar="NAME", help=escape("local, or ray for a cluster (facemod[ray])."))
    ] = "local"


REGIONS_PANEL = "Where"


@dataclass(frozen=True)
class Where:
    """Where on the faces an edit may show."""

    only: Annotated[
        str,
        typer.Option(
            "--only",
            metavar="REGIONS",
            autocompletion=completing.regions,
            help="Change only these: mouth, eyes, brows, nose, skin, hair, face, background.",
            show_default=False,
            rich_help_panel=REGIONS_PANEL,
        ),
    ] = ""
    protect: Annotated[
        str,
        typer.Option(
            "--protect",
            metavar="REGIONS",
            autocompletion=completing.regions,
            help="Leave such regions as they are.",
            show_default=False,
            rich_help_panel=REGIONS_PANEL,
        ),
    ] = ""
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask",
            metavar="PICTURE",
            help="Change only where a picture of the photo's size is white.",
            show_default=False,
            rich_help_panel=REGIONS_PANEL,
        ),
    ] = None
