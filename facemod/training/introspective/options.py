"""What decides a trained model, as the command line offers it. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from facemod.errors import UsageError
from facemod.training.introspective.methods import METHODS, Method
from facemod.training.introspective.schedule import Schedule, Timetable
from facemod.training.settings import DATA_PANEL, LOSS_PANEL, Setting

NETWORK_PANEL = "Networks"
# Channels at 4, 8, ... 512 px, as published.
ENCODER_WIDTHS = (512, 512, 512, 512, 256, 128, 64, 32)
MODULATED_WIDTHS = (512, 512, 512, 512, 512, 256, 128, 64)
RESOLUTIONS = (16, 32, 64, 128, 256, 512)


@dataclass(frozen=True)
class ModelOptions:
    """What decides a model besides the loop."""

    recipe: Annotated[str, Setting("pioneer, balanced or automodulator.")] = "automodulator"
    resolution: Annotated[int, Setting("Side of the pictures, in px: 16, 32, ... 512.")] = 64
    kimg: Annotated[
        float | None,
        Setting(
            "Thousand pictures shown in all; every stage keeps its share. As published, if none of "
            "--kimg, --steps and --minutes is given."
        ),
    ] = None
    batch: Annotated[
        int | None,
        Setting("Pictures per step and device at the full resolution; more below.", DATA_PANEL),
    ] = None
    mirror: Annotated[bool, Setting("Show half of the pictures mirrored.", DATA_PANEL)] = True
    schedule: Annotated[
        str,
        Setting(
            "The pictures that the schedule was published for: celebahq or celeba (pioneer), "
            "celebahq or lsun (balanced), ffhq, celebahq or lsun (automodulator). By default the "
            "first."
        ),
    ] = ""
    channels: Annotated[
        str, Setting("Of both networks from 4 px up, such as 128,128,64.", NETWORK_PANEL)
    ] = ""
    latent: Annotated[int, Setting("Numbers in a latent.", NETWORK_PANEL)] = 512
    learning_rate: Annotated[
        float | None, Setting("Of all stages; by default the recipe's.", LOSS_PANEL)
    ] = None
    margin: Annotated[
        float | None,
        Setting(
            "How far the encoder may win, in all stages; by default the recipe's. Its authors "
            "advise 0.2 at 4 and 8 px if training diverges; small networks like 0.05.",
            LOSS_PANEL,
        ),
    ] = None
    averaging: Annotated[
        float, Setting("Decay per step of the decoder's moving average.", LOSS_PANEL)
    ] = 0.999
    decoder_steps: Annotated[
        int | None, Setting("Decoder steps per encoder step; by default the recipe's.", LOSS_PANEL)
    ] = None
    noise: Annotated[
        bool,
        Setting("Noise at every layer of an automodulator while it is trained.", NETWORK_PANEL),
    ] = True
    last_relu: Annotated[
        bool,
        Setting(
            "End the encoder of a Balanced PIONEER by a leaky ReLU, as the published ones do.",
            NETWORK_PANEL,
        ),
    ] = False
    norm_gradients: Annotated[
        bool,
        Setting("Gradients go through the power iteration of spectral norms.", NETWORK_PANEL),
    ] = True


@dataclass(frozen=True)
class Plan:
    """The options, understood."""

    method: Method
    level: int
    encoder_widths: tuple[int, ...]
    decoder_widths: tuple[int, ...]
    schedule: Schedule


def planned(options: ModelOptions) -> Plan:
    """What the options amount to.

    Raises:
        UsageError: an option has no meaning, or two contradict each other.
    """
    method = METHODS.get(options.recipe)
    if method is None:
        raise UsageError(f"--recipe {options.recipe}: there is {', '.join(METHODS)}")
    timetable = _timetable(options.schedule, method)
    level = _level(options.resolution, method, timetable)
    if options.latent < 2 or (options.batch is not None and options.batch < 2):
        raise UsageError("--latent and --batch: at least 2")
    if not 0 <= options.averaging < 1:
        raise UsageError(f"--averaging {options.averaging}: from 0 to less than 1")
    if (options.decoder_steps or 1) < 1:
        raise UsageError(f"--decoder-steps {options.decoder_steps}: at least 1")
    given = {"learning_rate": options.learning_rate, "margin": options.margin}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    stages = tuple(replace(stage, **changes) for stage in timetable.stages)
    timetable = replace(timetable, stages=stages)
    schedule = Schedule(timetable, method.batches, level, options.batch)
    wide = MODULATED_WIDTHS if method.modulated else ENCODER_WIDTHS
    encoder, decoder = (_widths(options.channels, level, published)
                        for published in (ENCODER_WIDTHS, wide))  # fmt: skip
    return Plan(method, level, encoder, decoder, schedule)


def precise(precision: str, method: Method) -> str:
    """``--precision`` for a recipe: ``auto`` is float32 for one that half precision ends at once.

    Raises:
        UsageError: half precision was asked for, for such a recipe.
    """
    if not method.spectral_decoder or precision == "32-true":
        return precision
    if precision != "auto":
        raise UsageError(
            f"--precision {precision}: --recipe {method.name} needs 32-true, because its decoder's "
            "first pictures are too alike for less"
        )
    return "32-true"


def _timetable(name: str, method: Method) -> Timetable:
    published = method.timetables
    if name and name not in published:
        known = ", ".join(published)
        raise UsageError(f"--schedule {name}: --recipe {method.name} knows {known}")
    return published[name or next(iter(published))]


def _level(resolution: int, method: Method, timetable: Timetable) -> int:
    highest = timetable.stages[-1].level
    offered = [r for r in RESOLUTIONS if r <= 4 << highest]
    if resolution not in offered:
        known = ", ".join(map(str, offered))
        raise UsageError(f"--resolution {resolution}: --recipe {method.name} knows {known}")
    return RESOLUTIONS.index(resolution) + 2


def _widths(channels: str, level: int, published: tuple[int, ...]) -> tuple[int, ...]:
    if not channels:
        return published[: level + 1]
    try:
        widths = tuple(int(word) for word in channels.split(","))
    except ValueError:
        widths = ()
    if len(widths) != level + 1 or min(widths) < 1:
        problem = f"{level + 1} numbers for {level + 1} resolutions from 4 to {4 << level} px"
        raise UsageError(f"--channels {channels}: give {problem}")
    return widths
