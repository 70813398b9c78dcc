"""Rendering styles small: the decoder, exact or as its fast preview, at 128 px."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.latent.codes import Codes
from facemod.models.wavelet import model as wavelet
from facemod.models.wavelet.decoder import SLOT_RESOLUTIONS, SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.mapping import Mapping
from facemod.tensors.precision import autocast
from facemod.training.bundled.preview import FIRST_FINE_SLOT, RESOLUTION, PreviewDecoder
from facemod.training.settings import BUNDLE
from facemod.weights.files import filled

PART = 32  # faces that are encoded at once
Render = Callable[[Tensor], Tensor]


class Studio:
    """Draws styles and renders them."""

    def __init__(self, preview_head: Path, bundle: Path = BUNDLE) -> None:
        decoder = filled(Decoder(), bundle / "decoder.safetensors").requires_grad_(False).eval()
        self.mapping = filled(Mapping(), bundle / "mapping.safetensors").requires_grad_(False)
        preview = PreviewDecoder.with_head(decoder, self.mapping.mean, preview_head)
        preview.requires_grad_(False)
        self._preview = preview.eval().to(memory_format=torch.channels_last)
        self._exact = wavelet.load("cpu", bundle)
        self._quick: Render | None = None

    @torch.inference_mode()
    def styles(self, count: int, *, truncation: float, seed: int) -> Tensor:
        """Random styles [count, 16, 512], the same in all slots."""
        noise = torch.randn(count, STYLE_DIM, generator=torch.Generator().manual_seed(seed))
        return self.mapping.truncated(noise, truncation)[:, None].repeat(1, SLOTS, 1)

    @torch.inference_mode()
    def render(self, styles: Tensor, *, exact: bool = False) -> Tensor:
        """Images [N, 3, 128, 128] in [-1, 1]. ``exact`` costs about ten times as much.

        The preview knows the slots of 128 px and finer only roughly.
        """
        if exact:
            codes = (Codes(style[None], wavelet.FAMILY, SLOT_RESOLUTIONS) for style in styles)
            images = (self._exact.decode(each) for each in codes)
            return torch.cat([F.avg_pool2d(x, x.shape[-1] // RESOLUTION) for x in images])
        self._quick = self._quick or renderer(self._preview)
        return torch.cat([self._quick(style[None]) for style in styles]).clamp(-1, 1)

    def sketch(self, styles: Tensor) -> Tensor:
        """Images [N, 3, 128, 128], about [-1, 1], by the preview, with gradients."""
        with autocast("cpu"):
            return self._preview(styles).float()


@torch.inference_mode()
def encoded(faces: Tensor) -> Tensor:
    """Styles [N, 16, 512] of aligned faces [N, 3, 128, 128] in [-1, 1], as photos are read."""
    read = wavelet.load("cpu").style_encoder
    return torch.cat([read(part) for part in faces.split(PART)])


def needs_exact(last_slot: int) -> bool:
    """Whether the preview is too rough to judge edits that reach up to ``last_slot``."""
    return last_slot >= FIRST_FINE_SLOT


def renderer(network: nn.Module) -> Render:
    """Style [1, 16, 512] -> image [1, 3, 128, 128], by OpenVINO where it is installed.

    That is about three times as fast as torch on a CPU, in bfloat16 where the CPU has it.
    """
    try:
        import openvino
    except ImportError:
        return network
    example = torch.zeros(1, SLOTS, STYLE_DIM)
    with torch.no_grad():
        graph = openvino.convert_model(network, example_input=example, input=list(example.shape))
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "bf16",
    }
    compiled = openvino.Core().compile_model(graph, "CPU", settings)
    return lambda style: torch.from_numpy(compiled(style.numpy())[0].copy())
