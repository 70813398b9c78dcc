"""The options of training runs: defined once, shown by the command line, saved beside the run.

Nothing here imports torch, so that ``--help`` stays fast.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

BUNDLE = Path(__file__).parents[1] / "models" / "wavelet"
Tell = Callable[[str], None]
"""Takes a line for people."""
LOOP_PANEL, DATA_PANEL, LOSS_PANEL = "Loop", "Data", "Losses"


@dataclass(frozen=True)
class Setting:
    """What the command line says about a field of an options group, and under which heading."""

    text: str
    panel: str = LOOP_PANEL


@dataclass(frozen=True)
class LoopOptions:
    """How long and where a run goes. Give steps, minutes, or both: the schedule follows the one
    that is further on."""

    steps: Annotated[int | None, Setting("Optimiser steps in all.")] = None
    minutes: Annotated[float | None, Setting("Time budget in all, over all calls.")] = None
    stop_after: Annotated[
        float | None,
        Setting("Save and leave after so many minutes of this call; the same command goes on."),
    ] = None
    checkpoint_every: Annotated[int, Setting("Steps between checkpoints.")] = 200
    device: Annotated[str, Setting("auto, cpu, cuda, cuda:N or mps.")] = "auto"
    devices: Annotated[int, Setting("How many GPUs (or processes on CPU) share the work.")] = 1
    machines: Annotated[
        int, Setting("How many machines with as many devices; start it on each with torchrun.")
    ] = 1
    precision: Annotated[
        str,
        Setting("auto (bf16-mixed where that is faster), 32-true, bf16-mixed or 16-mixed."),
    ] = "auto"
    seed: Annotated[int, Setting("Seed of all random choices.")] = 0


@dataclass(frozen=True)
class SampleOptions:
    """Where decoder samples come from, and how gently training begins."""

    warmup: Annotated[int, Setting("Steps of rising learning rate.")] = 200
    samples: Annotated[int, Setting("Fresh decoder samples per step and device.", DATA_PANEL)] = 12
    bundle: Annotated[
        Path, Setting("Folder of the decoder and the mapping network.", DATA_PANEL)
    ] = BUNDLE


@dataclass(frozen=True)
class ReplayOptions(SampleOptions):
    """Which of the decoder samples are shown again."""

    replayed: Annotated[
        int,
        Setting(
            "Earlier samples per step, degraded anew: rendering is expensive on a CPU.", DATA_PANEL
        ),
    ] = 28
    memory: Annotated[
        int, Setting("Samples kept for replay, 65 kB each, in the run.", DATA_PANEL)
    ] = 8192


@dataclass(frozen=True)
class EncoderOptions(ReplayOptions):
    """What decides an encoder besides the loop."""

    preview: Annotated[
        Path | None,
        Setting("Weights of the preview decoder; without, the decoder itself.", DATA_PANEL),
    ] = None
    faces: Annotated[
        Path | None,
        Setting("Packed real faces (facemod train prepare); without, samples alone.", DATA_PANEL),
    ] = None
    identity: Annotated[Path | None, Setting("MobileFaceNet checkpoint.", DATA_PANEL)] = None
    reals: Annotated[int, Setting("Real faces per step and device.", DATA_PANEL)] = 24
    start: Annotated[
        Path | None,
        Setting("Encoder to begin with: a state.pt or an encoder.safetensors.", DATA_PANEL),
    ] = None
    learning_rate: Annotated[float, Setting("Highest learning rate.", LOSS_PANEL)] = 1e-3
    pixel_weight: Annotated[float, Setting("Weight of the multi-scale L1.", LOSS_PANEL)] = 2.0
    identity_weight: Annotated[float, Setting("Weight of the identity embedding.", LOSS_PANEL)] = (
        0.6
    )
    feature_weight: Annotated[
        float, Setting("Weight of the identity network's features.", LOSS_PANEL)
    ] = 0.6
    spread_weight: Annotated[
        float, Setting("Weight of keeping real faces' styles near natural ones.", LOSS_PANEL)
    ] = 0.03


@dataclass(frozen=True)
class CorrectorOptions(SampleOptions):
    """What decides the network that corrects the encoder, besides the loop."""

    faces: Annotated[Path, Setting("Packed real faces (facemod train prepare).", DATA_PANEL)] = (
        Path("faces.npz")
    )
    others: Annotated[
        Path | None, Setting("A second set, of which as many are shown.", DATA_PANEL)
    ] = None
    samples: Annotated[int, Setting("Fresh decoder samples per step.", DATA_PANEL)] = 4
    reals: Annotated[int, Setting("Real faces per step and device.", DATA_PANEL)] = 8
    twice: Annotated[float, Setting("Part of the steps that correct twice.", LOSS_PANEL)] = 0.35
    start: Annotated[Path | None, Setting("corrector.safetensors to begin with.", DATA_PANEL)] = (
        None
    )
    learning_rate: Annotated[float, Setting("Highest learning rate.", LOSS_PANEL)] = 8e-4
    pixel_weight: Annotated[float, Setting("Weight of the multi-scale L1.", LOSS_PANEL)] = 2.0
    identity_weight: Annotated[float, Setting("Weight of the identity embedding.", LOSS_PANEL)] = (
        1.0
    )
    feature_weight: Annotated[
        float, Setting("Weight of the identity network's features.", LOSS_PANEL)
    ] = 0.6
    parts_weight: Annotated[
        float, Setting("Weight of how brows, eyes and mouth differ.", LOSS_PANEL)
    ] = 0.5


@dataclass(frozen=True)
class DetailOptions(ReplayOptions):
    """What decides a details path besides the loop."""

    faces: Annotated[Path, Setting("Packed real faces (facemod train prepare).", DATA_PANEL)] = (
        Path("faces.npz")
    )
    samples: Annotated[
        int, Setting("Fresh samples per step: each is a full decode.", DATA_PANEL)
    ] = 1
    replayed: Annotated[int, Setting("Earlier samples per step.", DATA_PANEL)] = 3
    memory: Annotated[
        int, Setting("Samples kept for replay, 213 kB each, in the run.", DATA_PANEL)
    ] = 2048
    reals: Annotated[int, Setting("Real faces per step and device.", DATA_PANEL)] = 5
    start: Annotated[Path | None, Setting("details.safetensors to begin with.", DATA_PANEL)] = None
    learning_rate: Annotated[float, Setting("Highest learning rate.", LOSS_PANEL)] = 1.5e-3
    pixel_weight: Annotated[float, Setting("Weight of real photos' L1.", LOSS_PANEL)] = 2.0
    texture_weight: Annotated[float, Setting("Weight of the strength of texture.", LOSS_PANEL)] = (
        2.0
    )
    identity_weight: Annotated[float, Setting("Weight of the identity network.", LOSS_PANEL)] = 0.1
    size_weight: Annotated[float, Setting("Weight of the residual's mean square.", LOSS_PANEL)] = (
        0.02
    )


@dataclass(frozen=True)
class PreviewOptions(ReplayOptions):
    """What decides a preview decoder besides the loop."""

    samples: Annotated[
        int, Setting("Fresh samples per step: each is a full decode.", DATA_PANEL)
    ] = 2
    replayed: Annotated[int, Setting("Earlier samples per step.", DATA_PANEL)] = 14
    memory: Annotated[
        int, Setting("Samples kept for replay, 65 kB each, in the run.", DATA_PANEL)
    ] = 4096
    learning_rate: Annotated[float, Setting("Highest learning rate.", LOSS_PANEL)] = 3e-3


@dataclass(frozen=True, kw_only=True)
class HeadOptions:
    """What the small heads are fitted to."""

    faces: Annotated[Path | None, Setting("Packed real faces; without, samples alone.")] = None
    pictures: Annotated[int, Setting("Pictures to cut squares from.")] = 900
    steps: Annotated[int, Setting("Optimiser steps for each head.")] = 7000


@dataclass(frozen=True, kw_only=True)
class MattingOptions:
    """What the matting head learns from."""

    samples: Annotated[int | None, Setting("Outlined samples to use; all if not given.")] = None
    pictures: Annotated[int, Setting("Photos and samples to make.")] = 1000
    steps: Annotated[int, Setting("Optimiser steps after each of them.")] = 2
    memory: Annotated[int, Setting("Pictures kept to learn from, 8 MB each.")] = 128
    report: Annotated[int, Setting("Pictures between two measurements.")] = 100
    start: Annotated[Path | None, Setting("matting.safetensors to begin with.")] = None


@dataclass(frozen=True, kw_only=True)
class LikenessOptions:
    """What the likeness network is distilled from."""

    faces: Annotated[Path, Setting("Packed real faces.", DATA_PANEL)]
    identity: Annotated[Path, Setting("MobileFaceNet checkpoint.", DATA_PANEL)]
    edits: Annotated[int, Setting("Real faces to edit.")] = 1000
    limit: Annotated[int, Setting("Real faces to learn from.")] = 20_000
    steps: Annotated[int | None, Setting("Optimiser steps in all.")] = None
    minutes: Annotated[float | None, Setting("Time budget, with the schedule complete.")] = None


def plain(*options: Any) -> dict[str, Any]:
    """The values of options groups as one JSON-ready dict."""
    merged = {name: value for group in options for name, value in asdict(group).items()}
    return {k: str(v) if isinstance(v, Path) else v for k, v in merged.items()}


def nameless(options: Mapping[str, Any]) -> dict[str, Any]:
    """Plain options with file names in place of paths: nobody's folders travel with weights."""
    return {k: Path(v).name if isinstance(v, str) else v for k, v in options.items()}


def save_options(folder: Path, options: Mapping[str, Any]) -> None:
    """Write ``options.json`` of a run."""
    from facemod.files.atomic import write_bytes

    text = json.dumps(options, indent=2) + "\n"
    write_bytes(text.encode(), folder / "options.json", overwrite=True)
