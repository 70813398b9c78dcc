"""The bundled decoder beside others on the same machine, threads and precision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from facemod.bench.timing import Now, interleaved
from facemod.models.automodulator.decoder import FULL
from facemod.models.automodulator.decoder import Decoder as AutomodulatorDecoder
from facemod.models.base import FaceModel
from facemod.models.sphere.growing import LATENT, WIDTHS, level_of
from facemod.models.sphere.growing import Encoder as AutomodulatorEncoder
from facemod.models.wavelet.heads import Painter
from facemod.models.wavelet.model import WaveletModel

SEED = 7
AUTOMODULATOR_SIDE = 512
Work = Callable[[], object]


@dataclass(frozen=True)
class Comparison:
    """The same task done by facemod and by others."""

    task: str
    seconds: dict[str, float]
    """Median seconds by who did it; facemod is the first."""


def compare(model: WaveletModel, repeats: int, now: Now) -> list[Comparison]:
    """Decoding at each size, and the whole model at 512 px, beside what there is to compare."""
    styles = model.sample(1, seed=SEED).styles
    full = {
        "facemod": lambda: model.decode(model.sample(1, seed=SEED)),
        "plain PyTorch": torch.inference_mode()(lambda: model.decoder(styles)),
        **openvino_decoder(model, styles),
    }
    side = AUTOMODULATOR_SIDE
    tasks = {
        f"decode {model.info.resolution} px": full,
        f"encode, edit, decode {side} px": {
            "facemod": edit_work(model, side),
            "automodulator networks, plain PyTorch": automodulator(side),
        },
    }
    return [Comparison(task, interleaved(work, repeats, now)) for task, work in tasks.items()]


def edit_work(model: FaceModel, side: int) -> Work:
    """Encode a face, move its codes, decode them."""
    face = model.decode(model.sample(1, seed=SEED), side)

    def work() -> Tensor:
        codes = model.encode(face)
        return model.decode(codes.shifted(0.1 * codes.styles[0]), side)

    return work


def automodulator(side: int) -> Work:
    """The same with networks laid out like the published ones, which cost what those cost.

    Their weights are random: that changes nothing about the time.
    """
    levels = level_of(side) + 1
    encoder = AutomodulatorEncoder(WIDTHS[:levels], LATENT).eval()
    decoder = AutomodulatorDecoder(FULL[:levels], LATENT).eval()
    face = torch.rand(1, 3, side, side) * 2 - 1

    @torch.inference_mode()
    def work() -> Tensor:
        latent = encoder(face)
        return decoder((latent + 0.1)[:, None].expand(-1, levels, -1))

    return work


def openvino_decoder(model: WaveletModel, styles: Tensor) -> dict[str, Work]:
    """The plain decoder compiled by OpenVINO in float32, if that is installed."""
    try:
        import openvino
    except ImportError:
        return {}
    graph = openvino.convert_model(model.decoder, example_input=styles, input=[tuple(styles.shape)])
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(graph, "CPU", options)
    array = styles.numpy()
    return {"OpenVINO": lambda: compiled(array)}


@torch.inference_mode()
def decoder_gmacs(model: WaveletModel, size: int) -> float:
    """10^9 multiply-adds of decoding one face at ``size`` px."""
    painter = Painter(model.decoder, model.networks.heads)
    styles = model.sample(1, seed=SEED).styles
    with FlopCounterMode(display=False) as counter:
        painter.image(painter.features(styles, 0), styles, 0, size)
    return counter.get_total_flops() / 2e9
