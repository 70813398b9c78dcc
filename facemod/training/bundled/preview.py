"""A cheap 128 px stand-in for the 1024 px decoder, for training only.

It keeps the decoder's first four blocks as they are (up to 64 px) and replaces the expensive
rest by a narrow styled head at 64 px that sees the fine styles and ends in an inverse Haar
transform. It renders about thirty times faster, which is what makes sampling on the fly and
gradients through the decoder affordable on a CPU.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facemod.imaging.sheet import tile
from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM, Decoder, inverse_haar
from facemod.models.wavelet.mapping import Mapping
from facemod.tensors.pixels import to_pixels
from facemod.training.bundled.samples import ExactRenderer, Replay, draw_styles
from facemod.training.bundled.trained import OneNetwork
from facemod.training.settings import PreviewOptions, plain
from facemod.weights.files import filled

if TYPE_CHECKING:  # the judge of presets needs the preview, but not what trains it
    from facemod.training.loop import Fabric

RESOLUTION = 128
EXACT_BLOCKS = 4
FIRST_FINE_SLOT = 1 + 2 * EXACT_BLOCKS
SCALES_FACTOR = 0.05  # on the learning rate of what reads the fine styles
SHOWN = 8


class FineConv(nn.Module):
    """A separable convolution whose input channels all fine styles scale together."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.scale = nn.Linear((SLOTS - FIRST_FINE_SLOT) * STYLE_DIM, c_in)
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)
        self.depthwise = nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False)
        self.pointwise = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x * self.scale(fine)[:, :, None, None]))


class PreviewDecoder(nn.Module):
    """Styles [N, 16, 512] -> images [N, 3, 128, 128] close to the downsampled full decode."""

    def __init__(self, decoder: Decoder, mean_style: Tensor, width: int = 128) -> None:
        super().__init__()
        self.decoder = decoder.requires_grad_(False)
        self.register_buffer("mean_style", mean_style.clone())
        self.convs = nn.ModuleList(
            [FineConv(512, width), FineConv(width, width), FineConv(width, 12)]
        )

    @classmethod
    def with_head(cls, decoder: Decoder, mean_style: Tensor, head: Path) -> PreviewDecoder:
        """One whose head was trained before; ``head`` is the file of its weights.

        Raises:
            ModelError: the file is missing, damaged or of another shape.
        """
        preview = cls(decoder, mean_style)
        filled(preview.convs, head)
        return preview

    def head(self, features: Tensor, styles: Tensor) -> Tensor:
        """The image from the 64 px feature map; only this part is trained."""
        fine = (styles[:, FIRST_FINE_SLOT:] - self.mean_style).flatten(1)
        for conv in self.convs[:-1]:
            features = F.leaky_relu(conv(features, fine), 0.2)
        return inverse_haar(self.convs[-1](features, fine))

    def forward(self, styles: Tensor) -> Tensor:
        return self.head(self.decoder.features(styles, EXACT_BLOCKS), styles)


class PreviewTrainer(OneNetwork):
    """Teaches the head what the full decoder shows; a task for :mod:`facemod.training.loop`."""

    options: PreviewOptions
    replay: Replay
    key, release = "convs", "preview.safetensors"

    def __init__(
        self, options: PreviewOptions, fabric: Fabric, folder: Path, checkpoint_every: int
    ) -> None:
        self.options, self.fabric, self.facts = options, fabric, plain(options)
        decoder = filled(Decoder(), options.bundle / "decoder.safetensors")
        mapping = filled(Mapping(), options.bundle / "mapping.safetensors").requires_grad_(False)
        self.mapping = fabric.to_device(mapping)
        self.preview = PreviewDecoder(decoder, mapping.mean).to(memory_format=torch.channels_last)
        self.network = self.preview.convs
        optimizer = torch.optim.Adam(self._parameters())
        self.trained, self.optimizer = fabric.setup(self.preview, optimizer)
        self.exact = ExactRenderer(self.preview.decoder)
        margin = options.samples * checkpoint_every
        rank = fabric.global_rank
        self.replay = Replay(folder / f"replay{rank}", options.memory, margin)
        self._shown: tuple[Tensor, Tensor] | None = None

    def _parameters(self) -> list[dict[str, Any]]:
        """The fine styles are 3,584 numbers of which few samples are seen: move them slowly."""
        groups: dict[float, list[nn.Parameter]] = {1.0: [], SCALES_FACTOR: []}
        for name, parameter in self.preview.convs.named_parameters():
            groups[SCALES_FACTOR if "scale" in name else 1.0].append(parameter)
        return [{"params": params, "factor": factor} for factor, params in groups.items()]

    @torch.no_grad()
    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Fresh styles and what the decoder makes of them, [count, 3, 128, 128]."""
        styles = draw_styles(self.mapping, count, rng)
        with self.fabric.autocast():
            images = [self.exact(style[None]).float().clamp(-1, 1) for style in styles]
        return styles, torch.cat(images)

    def losses(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The mean squared error of one fresh batch."""
        o = self.options
        fresh, drawn = self.draw(o.samples, rng)
        styles, target = self.replay.extended(fresh, drawn, o.replayed, rng)
        return {"mse": F.mse_loss(self.trained(styles).float(), target)}

    @torch.no_grad()
    def sheet(self) -> NDArray[np.uint8]:
        """The decoder's pictures above the preview's."""
        if self._shown is None:
            with torch.random.fork_rng():
                torch.manual_seed(0)
                self._shown = self.draw(SHOWN, np.random.default_rng(0))
        styles, target = self._shown
        with self.fabric.autocast():
            images = self.preview(styles).float()
        return tile(to_pixels(torch.cat([target, images])), columns=SHOWN, gap=2)
