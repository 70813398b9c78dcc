"""``facemod evaluate``: how well a model's reconstructions keep the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli.options import Printing
from facemod.cli.result import Result, Table
from facemod.errors import InputError, OutputExistsError, UsageError
from facemod.files.atomic import write_bytes

if TYPE_CHECKING:
    from facemod.faces.face import Detector
    from facemod.models.base import FaceModel
    from facemod.training.evaluation.evaluate import Evaluation
    from facemod.training.evaluation.groups import GroupsOf
    from facemod.training.evaluation.metrics import FaceMetric, ModelMetric, Reconstructed
    from facemod.training.judges.readings import Readings

SHOWN = 20
SAMPLES = 1000
TAUGHT = 1200  # labelled faces of each set, a quarter of them to try the readings
Words = Annotated[
    list[str],
    typer.Argument(
        metavar="[MODEL] FOLDER",
        help="A model's name or file, or an encoder.safetensors; then a folder or zip of photos.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Evaluating(Printing):
    """What to measure, and where to."""

    identity: Annotated[
        Path | None, typer.Option(help="MobileFaceNet checkpoint: adds identity similarity.")
    ] = None
    edits: Annotated[
        int, typer.Option(min=0, help="Faces that presets are tried on, which takes long.")
    ] = 0
    celeba: Annotated[
        Path | None,
        typer.Option(
            help="Packed faces of CelebA; with --labels and --identity, --edits measures "
            "more presets."
        ),
    ] = None
    labels: Annotated[Path | None, typer.Option(help="CSV of CelebA's attributes.")] = None
    utk: Annotated[
        Path | None, typer.Option(help="Packed faces of UTKFace: for age and gender.")
    ] = None
    features: Annotated[
        Path | None,
        typer.Option(
            help="TorchScript network, pictures in [-1, 1] to features: adds the Frechet distance "
            "of random pictures from the photos, and the path length. It is run as it is."
        ),
    ] = None
    features_size: Annotated[int, typer.Option(min=8, help="Pictures that it takes, in px.")] = 299
    perceptual: Annotated[
        Path | None,
        typer.Option(
            help="TorchScript network, two pictures to their distance, such as LPIPS: "
            "for --as-published."
        ),
    ] = None
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published",
            help="FID, LPIPS and path length as the authors of PIONEER and the automodulator "
            "measure them, of pictures that are aligned already.",
        ),
    ] = False
    samples: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Random pictures and paths for --features; 1000, or 50,000 --as-published.",
            show_default=False,
        ),
    ] = None
    details: Annotated[
        bool,
        typer.Option("--details/--no-details", help="What photos show beyond their styles."),
    ] = True
    groups: Annotated[
        str | None,
        typer.Option(help="utk: by UTKFace's file names; or a CSV file: name, then groups."),
    ] = None
    limit: Annotated[
        int | None, typer.Option(min=1, help="Take so many photos, evenly spaced.")
    ] = None
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Picture sheet to write: inputs and results."),
    ] = None
    card: Annotated[Path | None, typer.Option(help="Markdown file to write the tables to.")] = None
    overwrite: Annotated[bool, typer.Option(help="Replace existing results.")] = False
    aligner: Annotated[str, typer.Option(envvar="FACEMOD_ALIGNER", help="How faces are found.")] = (
        "embedded"
    )
    device: Annotated[
        str, typer.Option(envvar="FACEMOD_DEVICE", help="auto, cpu, cuda, cuda:N or mps.")
    ] = "auto"


def evaluate(words: Words, options: Evaluating) -> Result:
    """Measure how well reconstructions keep the person."""
    if len(words) > 2:
        raise UsageError(f"{' '.join(words)}: expected a model and one folder, or a folder alone")
    if not Path(words[-1]).exists():
        raise InputError(f"{words[-1]}: neither a folder nor a zip file of photos")
    check_outputs(options)
    from facemod.faces.detect import make_detector
    from facemod.tensors.devices import find_device
    from facemod.training.data import photos_in
    from facemod.training.evaluation import evaluate as evaluation
    from facemod.training.evaluation.metrics import face_metrics
    from facemod.training.judges.identity import load_identity

    groups_of = parse_groups(options.groups)
    folder, device = Path(words[-1]), find_device(options.device)[0]
    photos = list(photos_in(folder, limit=1))  # before any work: is it one?
    if not photos:
        raise InputError(f"{folder}: holds no photos")
    model = evaluation.open_model("bundled" if len(words) == 1 else words[0], device)
    if options.as_published:
        return measured_as_published(model, folder, device, options)
    detector, _ = make_detector(options.aligner, device)
    metrics = face_metrics(
        model, detector, load_identity(options.identity) if options.identity else None
    )
    whole_metrics = model_metrics(options, detector, device)
    watching = [metric.see for metric in whole_metrics if hasattr(metric, "see")]

    def see_all(face: Reconstructed) -> None:
        for see in watching:
            see(face)

    found = evaluation.evaluate(
        model, detector, photos_in(folder, limit=options.limit), metrics,
        keep=max(SHOWN if options.output else 0, options.edits), details=options.details,
        see=see_all,
    )  # fmt: skip
    whole = {metric.name: metric.measure(model, found.kept) for metric in whole_metrics}
    if options.output:
        write_sheet(found, options.output, options)
    return report(found, metrics, groups_of, whole, options)


def check_outputs(options: Evaluating) -> None:
    """Fail before the work when a result is in the way."""
    from facemod.imaging.writing import check_suffix

    if options.output:
        check_suffix(options.output)
    if options.as_published and (options.output or options.groups or options.edits):
        raise UsageError("--as-published goes without --output, --groups and --edits")
    for path in (options.output, options.card):
        if path and path.exists() and not options.overwrite:
            raise OutputExistsError(f"{path} exists already; --overwrite replaces it")


def parse_groups(choice: str | None) -> GroupsOf | None:
    """``--groups`` as a function from file names to groups."""
    from facemod.training.evaluation.groups import table_groups, utk_groups

    if choice is None:
        return None
    return utk_groups if choice == "utk" else table_groups(Path(choice))


def model_metrics(options: Evaluating, detector: Detector, device: str) -> list[ModelMetric]:
    """The measures of the whole model that the options ask for."""
    from facemod.training.evaluation.editability import Editability, Geometry, Measures, ReadOff
    from facemod.training.evaluation.generation import (
        FeatureDistance,
        PathLength,
        feature_network,
        squared,
    )

    metrics: list[ModelMetric] = []
    if options.edits:
        measures: list[Measures] = [*map(ReadOff, readings(options)), Geometry(detector)]
        metrics.append(Editability(measures, options.edits))
    if options.features:
        features = feature_network(options.features, options.features_size, device)
        samples = options.samples or SAMPLES
        metrics += [FeatureDistance(features, samples), PathLength(squared(features), samples)]
    return metrics


def readings(options: Evaluating) -> list[Readings]:
    """What reads attributes off faces, if there are labels to learn them from."""
    from facemod.training.judges.identity import load_identity
    from facemod.training.judges.readings import Readings, labelled_sets

    if not (options.identity and options.celeba and options.labels):
        return []
    sets = labelled_sets(options.celeba, options.labels, options.utk, TAUGHT)
    return [Readings.taught(load_identity(options.identity), sets)]


def measured_as_published(
    model: FaceModel, folder: Path, device: str, options: Evaluating
) -> Result:
    """What comes close to the authors' own figures."""
    from facemod.training.data import photos_in
    from facemod.training.evaluation import as_published, report
    from facemod.training.evaluation.generation import feature_network

    features = distance = None
    if options.features:
        size = options.features_size
        features = feature_network(options.features, size, device, antialias=False)
    if options.perceptual:
        distance = as_published.perceptual_network(options.perceptual, device)
    samples = options.samples or as_published.PICTURES
    photos = photos_in(folder, limit=options.limit)
    found = as_published.measure(model, photos, samples, features=features, distance=distance)
    listing = report.of_model("as published", found.rows)
    if options.card:
        write_bytes(listing.markdown().encode(), options.card, overwrite=options.overwrite)
    return Result(
        "evaluate",
        data={"as_published": found.rows, "problems": found.problems},
        table=Table(listing.columns, listing.rows),
        warnings=tuple(found.problems[:SHOWN]),
    )


def write_sheet(found: Evaluation, target: Path, options: Evaluating) -> None:
    """The picture sheet, marked as what it is."""
    from facemod import __version__
    from facemod.imaging.marking import Mark
    from facemod.imaging.writing import write_image
    from facemod.training.evaluation.evaluate import sheet

    mark = Mark("composite", "evaluate", f"facemod {__version__}")
    write_image(sheet(found.kept[:SHOWN]), target, mark=mark, overwrite=options.overwrite)


def report(
    found: Evaluation,
    metrics: Sequence[FaceMetric],
    groups_of: GroupsOf | None,
    whole: Mapping[str, Mapping[str, Mapping[str, float]]],
    options: Evaluating,
) -> Result:
    """What was found as tables, and as Markdown if that was asked for."""
    from facemod.training.evaluation import report as reporting
    from facemod.training.evaluation.groups import by_group

    groups = by_group(found.scores, groups_of, metrics) if groups_of else []
    listings = [reporting.measures(found, metrics)]
    if groups:
        listings.append(reporting.by_groups(groups, metrics))
    listings += [reporting.of_model(name, rows) for name, rows in whole.items() if rows]
    worst = reporting.worst(groups, metrics)
    if options.card:
        text = "\n".join(
            [*(listing.markdown() for listing in listings), *map("* {}\n".format, worst)]
        )
        write_bytes(text.encode(), options.card, overwrite=options.overwrite)
    tables = tuple(Table(listing.columns, listing.rows) for listing in listings)
    faces = f"{len(found.scores)} faces measured, {len(found.problems)} photos left out"
    unknown = ("no photo has a group",) if groups_of and not groups else ()
    return Result(
        "evaluate",
        data=reporting.as_json(found, metrics, groups, whole),
        table=tables[0],
        tables=tables[1:],
        messages=(faces, *worst),
        warnings=(*found.problems[:SHOWN], *unknown),
    )
