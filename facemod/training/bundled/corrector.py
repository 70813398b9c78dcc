"""Train what corrects the encoder: photos beside what their codes show, and the way on from there.

``facemod train corrector RUN --faces faces.npz`` runs this. Pictures are drawn through the linear
preview, which is exact up to the 64 px features; the first guess is the shipped encoder's, and a
part of the batches is corrected twice. Real faces are judged by pixels, those of eyes and mouth
most, by an identity network and by the outlines of brows, eyes and mouth; decoder samples by
their known styles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from facemod.faces.regions import segmenter_on
from facemod.imaging.sheet import tile
from facemod.models.wavelet.corrector import Corrector, IterativeEncoder
from facemod.models.wavelet.decoder import STYLE_DIM
from facemod.models.wavelet.details import BLOCKS_BEFORE
from facemod.models.wavelet.distances import identity_losses, multi_scale_l1
from facemod.models.wavelet.model import Networks
from facemod.models.wavelet.parts import part_loss
from facemod.models.wavelet.preview import SIDE, Viewer
from facemod.models.wavelet.styling import face_weights, place_of, unnatural
from facemod.tensors.pixels import to_pixels
from facemod.training.bundled.encoder import blended
from facemod.training.bundled.losses import StyleLoss
from facemod.training.bundled.samples import draw_styles
from facemod.training.bundled.trained import OneNetwork
from facemod.training.data import PackedFaces, degrade
from facemod.training.loop import Fabric, Moment
from facemod.training.settings import CorrectorOptions
from facemod.weights.files import filled

SHOWN, NATURAL_DRAWS = 8, 4096
TRUNK_RATE = 0.25  # of the learning rate: the trunk begins as the encoder's
AVERAGING = 0.995


class CorrectorTrainer(OneNetwork):
    """The networks, data and optimiser of one run; a task for :mod:`facemod.training.loop`."""

    options: CorrectorOptions
    key, release = "corrector", "corrector.safetensors"
    longest_gradient = 3.0
    eight_bits = True

    def __init__(self, options: CorrectorOptions, fabric: Fabric, facts: dict[str, Any]) -> None:
        """``facts`` are the run's plain options, which travel with the release weights."""
        self.options, self.fabric, self.facts = options, fabric, facts
        self.faces = [PackedFaces(path) for path in (options.faces, options.others) if path]
        networks = Networks.load(options.bundle).on(fabric.device)
        self.decoder, self.mapping = networks.decoder, networks.mapping
        self.mean, self.axes = networks.encoder.mean, networks.encoder.basis
        natural = self.mapping(torch.randn(NATURAL_DRAWS, STYLE_DIM, device=fabric.device))
        self.style_loss = fabric.to_device(StyleLoss(self.decoder, natural))
        segmenter = segmenter_on(fabric.device)
        self.viewer = Viewer(self.decoder, networks.preview, networks.identity, segmenter)
        self.weights = face_weights(SIDE).to(fabric.device)
        self.network = begun(networks, options.start).to(fabric.device)
        average = get_ema_multi_avg_fn(AVERAGING)
        self.average = AveragedModel(self.network, multi_avg_fn=average).requires_grad_(False)
        self.trained, self.optimizer = fabric.setup(self.network, self._optimizer())
        self.eyes = IterativeEncoder(networks.encoder, self.trained, self.viewer, self.features)

    def _optimizer(self) -> torch.optim.Optimizer:
        trunk = list(self.network.levels.parameters())
        known = {id(parameter) for parameter in trunk}
        others = [p for p in self.network.parameters() if id(p) not in known]
        groups = [{"params": trunk, "factor": TRUNK_RATE}, {"params": others}]
        rate = self.options.learning_rate
        return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)

    def features(self, styles: Tensor) -> Tensor:
        """The decoder's 64 px features, as a preview of them wants them."""
        with self.fabric.autocast():
            return self.decoder.features(styles, BLOCKS_BEFORE).float()

    def losses(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """The weighted losses of one fresh batch."""
        o = self.options
        with torch.no_grad():
            drawn = draw_styles(self.mapping, o.samples, rng)
            pictures = self.viewer.draw(drawn).clamp(-1, 1)
            real, known = self.real_faces(rng)
            scene = pictures[torch.arange(len(real)) % o.samples]
            real = blended(real, scene, known)
            photos = degrade(torch.cat((pictures, real)), rng)
        styles = self.corrected(photos, passes=1 + int(rng.random() < o.twice))
        return {
            "style": self.style_loss(styles[: o.samples], drawn),
            **self.real_losses(styles[o.samples :], real, known, scene),
        }

    def real_faces(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Real faces, as many of each packed set, and where their pixels are known."""
        each = max(1, self.options.reals // len(self.faces))
        drawn = [faces.batch(each, rng, self.fabric.device) for faces in self.faces]
        faces, known = (torch.cat(parts) for parts in zip(*drawn, strict=True))
        return faces, known

    def corrected(self, photos: Tensor, passes: int) -> Tensor:
        """Styles of photos [N, 3, 128, 128]; gradients go through the last pass alone."""
        photos = photos.contiguous(memory_format=torch.channels_last)
        wanted = self.eyes.person(photos)
        with torch.no_grad():
            styles = self.eyes.encoder(photos)
            for _ in range(passes - 1):
                styles = self.eyes.corrected(photos, styles, wanted)
        with self.fabric.autocast():
            return self.eyes.corrected(photos, styles, wanted).float()

    def real_losses(
        self, styles: Tensor, real: Tensor, known: Tensor, scene: Tensor
    ) -> dict[str, Tensor]:
        """What reconstructions of real faces are judged by; elsewhere both show the ``scene``."""
        o = self.options
        picture = self.viewer.draw(styles)
        shown, wanted = blended(picture, scene, known), real
        if torch.rand(()) < 0.5:
            shown, wanted = shown.flip(3), wanted.flip(3)
        person, features = identity_losses(self.viewer.identity, shown, wanted)
        place = place_of(styles, self.mean, self.axes)
        return {
            "pixel": o.pixel_weight * multi_scale_l1(picture, real, known * self.weights),
            "identity": o.identity_weight * person,
            "feature": o.feature_weight * features,
            "parts": o.parts_weight * part_loss(self.viewer.segmenter, shown, wanted),
            "spread": unnatural(place, place - place.mean(1, keepdim=True)),
        }

    def step(self, moment: Moment) -> dict[str, Tensor]:
        losses = super().step(moment)
        self.average.update_parameters(self.network)
        return losses

    def state(self) -> dict[str, Any]:
        return super().state() | {"average": self.average.state_dict()}

    def resume(self, state: dict[str, Any]) -> None:
        super().resume(state)
        self.average.load_state_dict(state["average"])

    @property
    def released(self) -> nn.Module:
        """The network averaged over the last steps."""
        return self.average.module

    @torch.no_grad()
    def sheet(self) -> NDArray[np.uint8]:
        """Real faces, always the same, above what the encoder and the correction make of them."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            rng = np.random.default_rng(0)
            real, known = (t[:SHOWN] for t in self.real_faces(rng))
            scene = self.viewer.draw(draw_styles(self.mapping, len(real), rng)).clamp(-1, 1)
        real = blended(real, scene, known)
        rows = [real, *(self.viewer.draw(styles) for styles in
                        (self.eyes.encoder(real), self.corrected(real, 1)))]  # fmt: skip
        return tile(to_pixels(torch.cat(rows).clamp(-1, 1)), columns=len(real), gap=2)


def begun(networks: Networks, start: Path | None) -> Corrector:
    """What a run begins with: weights that are there, or an untrained network.

    The latter looks as the encoder does, and speaks in the shipped one's directions.
    """
    corrector = Corrector().to(memory_format=torch.channels_last).eval()
    if start is not None:
        return filled(corrector, start)
    corrector.begin_like(networks.encoder)
    corrector.directions.copy_(networks.corrector.directions)
    return corrector
