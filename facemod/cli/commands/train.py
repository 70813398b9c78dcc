"""``facemod train``: making the weights. Everything heavy is imported once a command runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facemod.cli import render
from facemod.cli.options import Printing
from facemod.cli.result import Result
from facemod.cli.signals import code_of
from facemod.training.settings import (
    CorrectorOptions,
    DetailOptions,
    EncoderOptions,
    LoopOptions,
    PreviewOptions,
    plain,
    save_options,
)

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from facemod.training.loop import Task

Run = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="The run's folder; one that exists goes on.", show_default=False
    ),
]
Sources = Annotated[
    list[Path],
    typer.Argument(metavar="SOURCE", help="Folders or zip files of photos.", show_default=False),
]


def train_encoder(
    run: Run, options: EncoderOptions, loop: LoopOptions, printing: Printing
) -> Result:
    """Train the encoder of the bundled model."""
    facts = plain(options, loop)

    def build(fabric: Fabric) -> Task:
        from facemod.training.bundled.encoder import Trainer

        return Trainer(options, fabric, run, loop.checkpoint_every, facts)

    return perform("train encoder", build, run, facts, loop, printing)


def train_corrector(
    run: Run, options: CorrectorOptions, loop: LoopOptions, printing: Printing
) -> Result:
    """Train the network that corrects the encoder's first guess."""
    facts = plain(options, loop)

    def build(fabric: Fabric) -> Task:
        from facemod.training.bundled.corrector import CorrectorTrainer

        return CorrectorTrainer(options, fabric, facts)

    return perform("train corrector", build, run, facts, loop, printing)


def train_details(
    run: Run, options: DetailOptions, loop: LoopOptions, printing: Printing
) -> Result:
    """Train what encoded photos keep beside their styles."""
    facts = plain(options, loop)

    def build(fabric: Fabric) -> Task:
        from facemod.training.bundled.details import DetailTrainer

        return DetailTrainer(options, fabric, run, loop.checkpoint_every, facts)

    return perform("train details", build, run, facts, loop, printing)


def train_preview(
    run: Run, options: PreviewOptions, loop: LoopOptions, printing: Printing
) -> Result:
    """Train the fast stand-in for the decoder that encoders learn with."""

    def build(fabric: Fabric) -> Task:
        from facemod.training.bundled.preview import PreviewTrainer

        return PreviewTrainer(options, fabric, run, loop.checkpoint_every)

    return perform("train preview", build, run, plain(options, loop), loop, printing)


def perform(
    command: str,
    build: Callable[[Fabric], Task],
    run: Path,
    facts: dict[str, Any],
    loop: LoopOptions,
    printing: Printing,
) -> Result:
    """Print and save the options, train, and report. Ctrl-C loses what follows the checkpoint."""
    from facemod.training.loop import train

    save_options(run, facts)
    try:
        with render.share_done(shown=not printing.quiet) as (tell, moved):
            tell(json.dumps(facts, indent=2))
            ended = train(build, run, loop, tell, moved)
    except KeyboardInterrupt as stop:
        advice = f"interrupted; the same command goes on from the last checkpoint in {run}"
        return Result(command, warnings=(advice,), interrupted=code_of(stop))
    state = "finished" if ended["finished"] else "not finished: the same command goes on"
    message = f"{run}: {ended['steps']} steps, {ended['minutes']} minutes, {state}"
    return Result(command, data={"run": str(run), **ended}, messages=(message,))


def train_prepare(
    sources: Sources,
    printing: Printing,
    output: Annotated[Path, typer.Option("--output", "-o", help="The packed set to write.")] = Path(
        "faces.npz"
    ),
    size: Annotated[int, typer.Option(min=32, help="Side of the aligned faces, in px.")] = 128,
    quality: Annotated[
        int, typer.Option(min=1, max=101, help="Of WebP; 101 keeps every pixel as it is.")
    ] = 95,
    every: Annotated[int, typer.Option(min=1, help="Take one of so many photos.")] = 1,
    first: Annotated[int, typer.Option(min=0, help="Leave out so many photos.")] = 0,
    aligner: Annotated[str, typer.Option(help="How faces are found.")] = "embedded",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
) -> Result:
    """Find, align and pack the largest face of each photo, to train on."""
    from facemod.faces.detect import make_detector
    from facemod.tensors.devices import find_device
    from facemod.training.data import pack, photos_in

    detector, _ = make_detector(aligner, find_device(device)[0])
    photos = chain.from_iterable(islice(photos_in(source), first, None, every)
                                 for source in sources)  # fmt: skip
    shown = photos if printing.quiet else counted(photos)
    lossless = None if quality > 100 else quality
    counts = pack(shown, detector, output, size=size, quality=lossless)
    words = ", ".join(f"{count} {name}" for name, count in counts.items())
    megabytes = output.stat().st_size / 1e6
    return Result(
        "train prepare",
        data={**counts, "file": str(output)},
        messages=(f"{output}: {words}; {megabytes:.1f} MB",),
    )


def counted(photos: Iterable[Any], step: int = 1000) -> Iterator[Any]:
    """The photos, saying now and then how many there were."""
    for number, photo in enumerate(photos, start=1):
        yield photo
        if number % step == 0:
            render.say(f"{number} photos")
