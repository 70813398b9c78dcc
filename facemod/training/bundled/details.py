"""Train the details path, with the encoder and the decoder held still.

Decoder samples teach it at the decoder's full resolution, real faces teach it real photos. Edits
need no teaching: where they change the features, the residual gives way.

``facemod train details RUN --faces faces.npz`` runs this.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces.regions import segmenter_on
from facemod.imaging.sheet import tile
from facemod.models.wavelet.corrector import IterativeEncoder
from facemod.models.wavelet.crops import decode_window
from facemod.models.wavelet.details import (
    BLOCKS_BEFORE,
    INPUT_RESOLUTION,
    RESOLUTION,
    DetailPath,
)
from facemod.models.wavelet.distances import identity_losses, multi_scale_l1
from facemod.models.wavelet.model import Networks
from facemod.models.wavelet.preview import Viewer
from facemod.models.windows import CROP, MARGIN, Window
from facemod.tensors.pixels import to_pixels
from facemod.training.bundled.encoder import blended
from facemod.training.bundled.losses import texture_loss
from facemod.training.bundled.samples import ExactRenderer, Replay, draw_styles
from facemod.training.bundled.trained import OneNetwork
from facemod.training.data import PackedFaces, degrade
from facemod.training.loop import Fabric
from facemod.training.settings import DetailOptions
from facemod.weights.files import fill, load_weights

SHOWN = 8
WINDOWS = 2  # crops of each face and step
FACE = 128  # side of packed faces
POOR, POORNESS = 0.5, (0.1, 0.6)  # how many samples get worse codes, and how much worse


class DetailTrainer(OneNetwork):
    """The networks, data and optimiser of one run; a task for :mod:`facemod.training.loop`."""

    options: DetailOptions
    replay: Replay
    key, release = "path", "details.safetensors"
    longest_gradient = 1.0

    def __init__(
        self, options: DetailOptions, fabric: Fabric, folder: Path, checkpoint_every: int,
        facts: dict[str, Any],
    ) -> None:  # fmt: skip
        """``facts`` are the run's plain options, which travel with the release weights."""
        self.options, self.fabric, self.facts = options, fabric, facts
        self.faces = PackedFaces(options.faces)
        networks = Networks.load(options.bundle).on(fabric.device)
        self.decoder, self.mapping = networks.decoder, networks.mapping
        segmenter = segmenter_on(fabric.device)
        self.viewer = Viewer(self.decoder, networks.preview, networks.identity, segmenter)
        self.encoder = IterativeEncoder(
            networks.encoder, networks.corrector, self.viewer, self.features
        )
        self.exact = ExactRenderer(self.decoder, INPUT_RESOLUTION)
        self.path = self.network = DetailPath()
        if options.start:
            fill(self.path, load_weights(options.start)[0], options.start)
        optimizer = torch.optim.AdamW(
            self.path.parameters(), lr=options.learning_rate, weight_decay=1e-3, betas=(0.9, 0.98)
        )
        self.trained, self.optimizer = fabric.setup(self.path, optimizer)
        for name in ("encode", "residual"):
            self.trained.mark_forward_method(name)
        margin = options.samples * checkpoint_every
        files = folder / f"replay{fabric.global_rank}"
        self.replay = Replay(files, options.memory, margin, INPUT_RESOLUTION)

    def losses(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The weighted losses of one fresh batch."""
        o = self.options
        fresh, drawn = self.draw_samples(rng)
        styles, pictures = self.replay.extended(fresh, drawn, o.replayed, rng)
        real, known = self.faces.batch(o.reals, rng, self.fabric.device)
        scene = F.avg_pool2d(pictures, 2)[torch.arange(o.reals) % len(pictures)]
        real = blended(real, scene, known)
        photos = degrade(torch.cat([pictures, enlarged(real)]), rng)
        codes, maps = self.encode(photos), self.trained.encode(photos)
        drawn, shown = slice(None, len(styles)), slice(len(styles), None)
        return {
            **self.sample_losses(styles, codes[drawn], maps[drawn], rng),
            **self.real_losses(real, known, scene, codes[shown], maps[shown], rng),
        }

    @torch.no_grad()
    def draw_samples(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Fresh styles and the images [samples, 3, 256, 256] they give."""
        styles = draw_styles(self.mapping, self.options.samples, rng)
        return styles, self.exact(styles).clamp(-1, 1)

    @torch.no_grad()
    def encode(self, photos: Tensor) -> Tensor:
        """Photos [N, 3, 256, 256] -> what the encoder makes of them."""
        with self.fabric.autocast():
            return self.encoder(F.avg_pool2d(photos, 2)).float()

    @torch.no_grad()
    def features(self, styles: Tensor) -> Tensor:
        """The decoder's features at the details' resolution."""
        with self.fabric.autocast():
            return self.decoder.features(styles, BLOCKS_BEFORE).float()

    def sample_losses(
        self, styles: Tensor, codes: Tensor, maps: Tensor, rng: np.random.Generator
    ) -> dict[str, Tensor]:
        """Reconstructed samples against the decoder's own full pictures."""
        codes = self.worsened(codes, rng)
        before, truth = self.features(codes), self.features(styles)
        residual = self.trained.residual(maps, before, before).float()
        picture, texture = 0.0, 0.0
        for window in draw_windows(rng):
            got = window.inner(self.decode(before + residual, codes, window))
            with torch.no_grad():
                wanted = window.inner(self.decode(truth, styles, window))
            picture += multi_scale_l1(got, wanted, torch.ones_like(wanted[:, :1]), 5) / WINDOWS
            texture += texture_loss(got, wanted) / WINDOWS
        return {
            "sample": picture,
            "sample texture": 2 * self.options.texture_weight * texture,
            "sample size": self.options.size_weight * residual.square().mean(),
        }

    def worsened(self, codes: Tensor, rng: np.random.Generator) -> Tensor:
        """Codes [N, 16, 512] of samples, half of them moved away from the truth.

        Encoders know decoder samples better than real photos. These moves leave as much for the
        details to do as real photos will.
        """
        a, b = (draw_styles(self.mapping, len(codes), rng) for _ in range(2))
        lengths = rng.uniform(*POORNESS, len(codes)) * (rng.random(len(codes)) < POOR)
        return codes + torch.from_numpy(lengths).to(codes)[:, None, None] * (a - b)

    def real_losses(
        self, real: Tensor, known: Tensor, scene: Tensor, codes: Tensor, maps: Tensor,
        rng: np.random.Generator,
    ) -> dict[str, Tensor]:  # fmt: skip
        """Reconstructed real faces against their photos."""
        o = self.options
        before = self.features(codes)
        residual = self.trained.residual(maps, before, before).float()
        full = before + residual
        photo, texture = 0.0, 0.0
        for window in draw_windows(rng):
            got = window.inner(self.decode(full, codes, window))
            with torch.no_grad():
                plain = window.inner(self.decode(before, codes, window))
            small = F.avg_pool2d(got, 1024 // FACE)
            there, seen = (window.inner(window.of(x)) for x in (real, known))
            photo += multi_scale_l1(small, there, seen, 3) / WINDOWS
            # Packed faces are too small to show fine texture; that of the styles alone is natural.
            texture += texture_loss(got, plain) / WINDOWS
        image = blended(self.viewer.show(full), scene, known)
        likeness, features = identity_losses(self.viewer.identity, image, real)
        return {
            "real": o.pixel_weight * photo,
            "real texture": o.texture_weight * texture,
            "real size": o.size_weight * residual.square().mean(),
            "identity": o.identity_weight * (likeness + features),
        }

    def decode(self, features: Tensor, styles: Tensor, window: Window) -> Tensor:
        with self.fabric.autocast():
            return decode_window(self.decoder, features, styles, window).float()

    @torch.no_grad()
    def sheet(self) -> NDArray[np.uint8]:
        """Real faces, always the same: photo, styles alone, styles with details."""
        real, _ = self.faces.batch(SHOWN, np.random.default_rng(0), self.fabric.device)
        photos = enlarged(real)
        codes = self.encode(photos)
        before = self.features(codes)
        with self.fabric.autocast():
            residual = self.path.residual(self.path.encode(photos), before, before).float()
        rows = (real, self.viewer.show(before), self.viewer.show(before + residual))
        return tile(to_pixels(torch.cat(rows).clamp(-1, 1)), columns=SHOWN, gap=2)


def draw_windows(rng: np.random.Generator) -> list[Window]:
    """Random crops; those at the border of the picture come as often as others."""
    last = RESOLUTION - CROP
    corners = rng.integers(-2 * MARGIN, last + 2 * MARGIN + 1, (WINDOWS, 2)).clip(0, last)
    return [Window(int(top), int(left)) for top, left in corners]


def enlarged(faces: Tensor) -> Tensor:
    """Packed faces at the size that the details path reads."""
    side = (INPUT_RESOLUTION, INPUT_RESOLUTION)
    return F.interpolate(faces, side, mode="bicubic", align_corners=False)
