"""``facemod presets learn``: presets from photos of one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from facemod.cli import completing, render
from facemod.cli.commands.examples import Example, find_examples, read_labels
from facemod.cli.options import Reading
from facemod.cli.preset_options import reserved_names
from facemod.cli.result import Result, Table
from facemod.cli.session import Session
from facemod.cli.together import read
from facemod.errors import UsageError
from facemod.jobs.outcome import Outcome, attempt
from facemod.latent.preset_files import check_name, check_new_file, own_path, plain_meaning
from facemod.latent.presets import PLACES, SUFFIX, Box, Preset, find_presets, get_preset

if TYPE_CHECKING:
    from torch import Tensor

    from facemod.editing.editor import Editor
    from facemod.latent.learning import Learnt

NATURAL_FACES = 1000
RANGE = (-2.5, 2.5)
SMALLEST_EFFECT = 0.1  # standard deviations; smaller side effects are not worth a line
Folders = list[Path]


@dataclass(frozen=True)
class Wish:
    """What the new preset is to be."""

    name: str
    meaning: str
    guards: tuple[Preset, ...]
    region: tuple[Box, ...]
    target: Path


def presets_learn(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the preset.")],
    reading: Reading,
    with_photos: Annotated[
        Folders, typer.Option("--with", metavar="PHOTO", help="Photos or folders that have it.")
    ] = [],  # noqa: B006
    without: Annotated[
        Folders, typer.Option("--without", metavar="PHOTO", help="Photos that do not.")
    ] = [],  # noqa: B006
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="CSV", help="Instead: lines of photo,score."),
    ] = None,
    guard: Annotated[
        str,
        typer.Option(
            "--guard",
            help="Presets to hold still, such as age,gender.",
            autocompletion=completing.presets,
        ),
    ] = "",
    only: Annotated[
        str,
        typer.Option(
            "--only",
            help=f"Where on the face it may show: {', '.join(PLACES)}.",
            autocompletion=completing.places,
        ),
    ] = "",
    meaning: Annotated[str, typer.Option("--meaning", help="One line for --help.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A folder or file; default: your own presets."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file.")] = False,
) -> Result:
    """Make a preset: [bold]facemod presets learn wink --with winking/ --without not/[/].

    A few photos of each kind are enough to try, hundreds are better. Take photos that differ in
    little else, and name with --guard what else differs.
    """
    wish = make_wish(name, meaning, guard, only, output, overwrite)
    examples, words = gather(with_photos, without, labels, reading)
    editor = Session(reading).editor
    styles, outcomes = encode_examples(editor, examples, reading, wish.target)
    kept = [e.label for e, outcome in zip(examples, outcomes, strict=True) if outcome.output]
    if len(set(kept)) < 2:
        error = UsageError("too few of the photos can be used: nothing to compare")
        return Result("presets learn", outcomes, error=error)
    learnt = learn_preset(editor, styles, kept, wish)
    effects = moved_levels(learnt.direction)
    save(wish, learnt, effects, len(kept), editor)
    return Result(
        "presets learn",
        outcomes,
        data={"file": str(wish.target), "agreement": learnt.agreement, "effects": effects},
        table=report(wish, learnt, effects, len(kept)),
        messages=(
            *words,
            f"try it: facemod edit PHOTO --{name} +1",
        ),
    )


def make_wish(
    name: str, meaning: str, guard: str, only: str, output: Path | None, overwrite: bool
) -> Wish:
    """Check what was asked for before any photo is read."""
    folder = output is not None and (output.is_dir() or output.suffix != SUFFIX)
    target = own_path(name) if output is None else output / f"{name}{SUFFIX}" if folder else output
    check_name(name, reserved_names(), replaced=target if overwrite else None)
    check_new_file(target, name, overwrite=overwrite)
    guards = tuple(get_preset(word) for word in split(guard))
    for preset in guards:
        if preset.level_centre is None:
            raise UsageError(f"--guard {preset.name}: this preset measures no level to hold still")
    if unknown := [word for word in split(only) if word not in PLACES]:
        raise UsageError(f"--only {unknown[0]}: places on the face are {', '.join(PLACES)}")
    region = tuple(PLACES[word] for word in split(only))
    return Wish(name, meaning or plain_meaning(name), guards, region, target)


def split(text: str) -> list[str]:
    """The words between commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def gather(
    with_photos: Folders, without: Folders, labels: Path | None, reading: Reading
) -> tuple[list[Example], tuple[str, ...]]:
    """The examples that the options name, and what there is to say about what was found."""
    if labels is not None and not (with_photos or without):
        return read_labels(labels), ()
    if labels is None and with_photos and without:
        have, have_words = find_examples(with_photos, 1.0, reading)
        lack, lack_words = find_examples(without, 0.0, reading)
        return [*have, *lack], (*have_words, *lack_words)
    raise UsageError("give --with and --without photos, or --labels with a table of scores")


def encode_examples(
    editor: Editor, examples: Sequence[Example], reading: Reading, target: Path
) -> tuple[Tensor, tuple[Outcome, ...]]:
    """The styles [N, slots, dim] of the largest face of each photo that has one."""
    import torch

    styles: list[Tensor] = []

    def encode(path: Path) -> Outcome:
        photo = read(path, reading)
        [face] = editor.encode(editor.cut_out(photo, "largest"))
        styles.append(face.codes.styles.float().cpu())
        return Outcome(str(path), str(target), "done")

    outcomes = []
    with render.progress(len(examples), shown=not reading.quiet) as bar:
        for example in examples:
            path = example.photo
            outcomes.append(attempt(path, partial(encode, path)))
            bar.update(bar.task_ids[0], advance=1, description=path.name)
    return torch.cat(styles) if styles else torch.zeros(0), tuple(outcomes)


def learn_preset(editor: Editor, styles: Tensor, labels: Sequence[float], wish: Wish) -> Learnt:
    """The direction that the examples teach."""
    import torch

    from facemod.latent.learning import Space, learn
    from facemod.latent.strengths import fitting

    natural = editor.model.sample(NATURAL_FACES, seed=0, truncation=1.0)
    space = Space.of(natural.styles.float().cpu(), natural.slots_by_scale())
    codes = editor.model.info.space
    guards = [fitting(preset.level(), preset, codes) for preset in wish.guards]
    held = torch.stack(guards) if guards else torch.zeros(0)
    return learn(styles, torch.tensor(labels), natural.styles.float().cpu(), space, held)


def moved_levels(direction: Tensor) -> dict[str, float]:
    """What strength 1 does to the level of every installed preset, the largest first."""
    from facemod.latent.strengths import moved

    measured = (p for p in find_presets()[0].values() if p.level_centre is not None)
    effects = {
        preset.name: round(float(moved(level[None], preset.direction()[None], direction[None])), 3)
        for preset in measured
        if (level := preset.level()).shape == direction.shape
    }
    return dict(sorted(effects.items(), key=lambda item: -abs(item[1])))


def save(
    wish: Wish, learnt: Learnt, effects: Mapping[str, float], count: int, editor: Editor
) -> None:
    """Write the preset file."""
    from facemod.files.atomic import atomic_path
    from facemod.models.registry import BUNDLED
    from facemod.weights.files import save_weights

    info = editor.model.info
    facts = {
        "name": wish.name, "meaning": wish.meaning, "panel": "Own", "range": RANGE,
        "slots": (0, len(learnt.direction) - 1), "family": info.family,
        # Of the other families there are many models, each with a space of its own.
        "model": "" if info.name == BUNDLED else info.name,
        "guards": [preset.name for preset in wish.guards], "effects": dict(effects),
        "region": wish.region,
        "source": f"learnt from {count} photos", "level_centre": learnt.level_centre,
        "evidence": {} if learnt.agreement is None else {"agreement": learnt.agreement},
    }  # fmt: skip
    tensors = {"direction": learnt.direction, "level": learnt.level}
    with atomic_path(wish.target, overwrite=True) as path:
        save_weights(path, tensors, facts)


def report(wish: Wish, learnt: Learnt, effects: Mapping[str, float], count: int) -> Table:
    """What is worth knowing about the new preset."""
    told = "too few photos to tell" if learnt.agreement is None else f"{learnt.agreement:.0%}"
    rows = [
        ("photos", str(count)),
        ("photos told apart (each predicted from the others)", told),
        ("natural range", f"{RANGE[0]:+g} to {RANGE[1]:+g}"),
        *(
            (f"+1 also moves {name}", f"{effect:+.2f} sd")
            for name, effect in effects.items()
            if abs(effect) >= SMALLEST_EFFECT
        ),
        ("file", str(wish.target)),
    ]
    return Table(("fact", "value"), rows)
