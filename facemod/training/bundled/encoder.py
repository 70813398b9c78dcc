"""Train the bundled encoder: decoder samples with known styles, then real faces as well.

``facemod train encoder RUN --preview preview.safetensors --faces faces.npz`` runs this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import ModelError
from facemod.imaging.sheet import tile
from facemod.models.wavelet.decoder import STYLE_DIM, Decoder
from facemod.models.wavelet.distances import identity_losses, multi_scale_l1
from facemod.models.wavelet.encoder import Encoder
from facemod.models.wavelet.mapping import Mapping
from facemod.tensors.pixels import to_pixels
from facemod.training.bundled.losses import StyleLoss
from facemod.training.bundled.preview import PreviewDecoder
from facemod.training.bundled.samples import ExactRenderer, Replay, draw_styles
from facemod.training.bundled.trained import OneNetwork
from facemod.training.data import PackedFaces, degrade
from facemod.training.judges.identity import load_identity
from facemod.training.loop import Fabric, read_state
from facemod.training.settings import EncoderOptions
from facemod.weights.files import fill, filled, load_weights

SHOWN = 8  # decoder samples on the sheet, and as many real faces
NATURAL = 8192  # draws of the mapping network that tell what is natural


class Trainer(OneNetwork):
    """The networks, data and optimiser of one run; a task for :mod:`facemod.training.loop`."""

    options: EncoderOptions
    replay: Replay
    key, release = "encoder", "encoder.safetensors"
    longest_gradient = 5.0

    def __init__(
        self, options: EncoderOptions, fabric: Fabric, folder: Path, checkpoint_every: int,
        facts: dict[str, Any],
    ) -> None:  # fmt: skip
        """``facts`` are the run's plain options, which travel with the release weights."""
        self.options, self.fabric, self.facts = options, fabric, facts
        self.faces = PackedFaces(options.faces) if options.faces else None
        decoder = filled(Decoder(), options.bundle / "decoder.safetensors")
        mapping = filled(Mapping(), options.bundle / "mapping.safetensors").requires_grad_(False)
        natural = mapping(torch.randn(NATURAL, STYLE_DIM))
        self.mapping = fabric.to_device(mapping)
        self.style_loss = fabric.to_device(StyleLoss(decoder, natural))
        self.render = fabric.to_device(renderer(decoder, mapping, options.preview))
        watched = load_identity(options.identity) if options.identity else None
        self.identity = None if watched is None else fabric.to_device(watched)
        self.encoder = self.network = Encoder().to(memory_format=torch.channels_last)
        self.encoder.set_prior(natural)
        if options.start:
            begin_from(self.encoder, options.start)
        optimizer = torch.optim.AdamW(
            self.encoder.parameters(), lr=options.learning_rate, weight_decay=0.01
        )
        self.trained, self.optimizer = fabric.setup(self.encoder, optimizer)
        margin = options.samples * checkpoint_every
        rank = fabric.global_rank
        self.replay = Replay(folder / f"replay{rank}", options.memory, margin)
        self._shown: Tensor | None = None

    def losses(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The weighted losses of one fresh batch."""
        o = self.options
        fresh, drawn = self.draw_samples(rng)
        styles, images = self.replay.extended(fresh, drawn, o.replayed, rng)
        if self.faces is None:
            return {"style": self.style_loss(self.encode(degrade(images, rng)), styles)}
        real, known = self.faces.batch(o.reals, rng, self.fabric.device)
        scene = images[torch.arange(o.reals) % len(images)]
        real = blended(real, scene, known)
        predicted = self.encode(degrade(torch.cat([images, real]), rng))
        return {
            "style": self.style_loss(predicted[: len(styles)], styles),
            **self.real_losses(predicted[len(styles) :], real, known, scene),
        }

    @torch.no_grad()
    def draw_samples(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Fresh styles and the images [samples, 3, 128, 128] they give."""
        styles = draw_styles(self.mapping, self.options.samples, rng)
        return styles, self.decode(styles).clamp(-1, 1)

    def encode(self, images: Tensor) -> Tensor:
        """Faces [N, 3, 128, 128] in [-1, 1] -> styles, with gradients."""
        return self.trained(images.contiguous(memory_format=torch.channels_last)).float()

    def decode(self, styles: Tensor) -> Tensor:
        """Styles -> images [N, 3, 128, 128], about [-1, 1], with gradients."""
        with self.fabric.autocast():
            return self.render(styles).float()

    def real_losses(
        self, styles: Tensor, real: Tensor, known: Tensor, scene: Tensor
    ) -> dict[str, Tensor]:
        """What reconstructions of real faces through the decoder are judged by.

        Outside of the known region both sides show the same ``scene``.
        """
        o = self.options
        image = self.decode(styles)
        losses = {
            "pixel": o.pixel_weight * multi_scale_l1(image, real, known),
            "spread": o.spread_weight * self.style_loss.spread(styles),
        }
        if self.identity is not None:
            shown = blended(image, scene, known)
            likeness, features = identity_losses(self.identity, shown, real)
            losses["identity"] = o.identity_weight * likeness
            losses["feature"] = o.feature_weight * features
        return losses

    @torch.no_grad()
    def sheet(self) -> NDArray[np.uint8]:
        """Decoder samples and real faces, always the same, above their reconstructions."""
        if self._shown is None:
            self._shown = self._to_show()
        shown = self._shown
        self.encoder.eval()
        with self.fabric.autocast():
            styles = self.encoder(shown.contiguous(memory_format=torch.channels_last)).float()
        self.encoder.train()
        images = torch.cat([shown, self.decode(styles)])
        return tile(to_pixels(images), columns=len(shown), gap=2)

    def _to_show(self) -> Tensor:
        rng = np.random.default_rng(self.options.samples)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            styles = draw_styles(self.mapping, SHOWN, rng)
        scene = self.decode(styles).clamp(-1, 1)
        if self.faces is None:
            return scene
        real, known = self.faces.batch(SHOWN, rng, self.fabric.device)
        return torch.cat([scene, blended(real, scene, known)])


def renderer(decoder: Decoder, mapping: Mapping, preview: Path | None) -> torch.nn.Module:
    """Styles -> images at 128 px: the fast preview, or without its weights the decoder itself."""
    if preview is None:
        made = ExactRenderer(decoder)
    else:
        made = PreviewDecoder.with_head(decoder, mapping.mean, preview)
    return made.requires_grad_(False).to(memory_format=torch.channels_last)


def begin_from(encoder: Encoder, path: Path) -> None:
    """Fill an encoder from release weights or from the state of another run.

    Raises:
        ModelError: there is no such file, or it holds no encoder like this one.
    """
    if path.suffix == ".safetensors":
        fill(encoder, load_weights(path)[0], path)
        return
    state = read_state(path)
    if state is None or "encoder" not in state:
        raise ModelError(f"--start {path}: holds no encoder")
    fill(encoder, state["encoder"], path)


def blended(faces: Tensor, scene: Tensor, known: Tensor) -> Tensor:
    """``faces`` where they are known and ``scene`` elsewhere, with a soft seam.

    Tight crops of real faces lack hair and background. A decoder sample lends its own: both are
    aligned alike, so the result is a plausible photo, where reflected padding would show eyes on
    the forehead.
    """
    inner = -F.max_pool2d(-F.pad(known, (4,) * 4), 9, stride=1)
    soft = F.avg_pool2d(inner, 9, stride=1, padding=4, count_include_pad=False)
    soft = torch.where(known.amin((1, 2, 3), keepdim=True) > 0, torch.ones_like(soft), soft)
    return soft * faces + (1 - soft) * scene
