"""The bundled model as the rest of the house sees it."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.latent.codes import Codes
from facemod.models.base import ModelInfo
from facemod.models.wavelet import encoder as encoders
from facemod.models.wavelet.decoder import SLOT_RESOLUTIONS, SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.encoder import Encoder
from facemod.models.wavelet.mapping import Mapping
from facemod.models.weights import filled

FAMILY = "wavelet"
LICENCE = "non-commercial research (see MODEL_CARD.md)"
FOLDER = Path(__file__).parent


class WaveletModel:
    """Encoder, decoder and mapping network on one device, in float32."""

    def __init__(self, encoder: Encoder, decoder: Decoder, mapping: Mapping, device: str) -> None:
        self.device = torch.device(device)
        networks = (encoder, decoder, mapping)
        self.encoder, self.decoder, self.mapping = (
            network.eval().requires_grad_(False).to(self.device) for network in networks
        )
        # Channels-last convolutions take about two thirds of the time, on CPU and GPU alike.
        self.encoder.to(memory_format=torch.channels_last)
        self.decoder.to(memory_format=torch.channels_last)
        self.info = ModelInfo(
            name="bundled",
            family=FAMILY,
            resolution=SLOT_RESOLUTIONS[-1],
            slots=SLOTS,
            dim=STYLE_DIM,
            slot_resolutions=SLOT_RESOLUTIONS,
            geometry="flat",
            licence=LICENCE,
            parameters=sum(p.numel() for network in networks for p in network.parameters()),
        )

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Codes:
        """Aligned faces [N, 3, R, R] in [-1, 1], R >= 128 -> codes [N, 16, 512]."""
        side = encoders.RESOLUTION
        small = F.interpolate(images.to(self.device), (side, side), mode="area")
        return self._codes(self.encoder(small.contiguous(memory_format=torch.channels_last)))

    @torch.inference_mode()
    def decode(self, codes: Codes) -> Tensor:
        """Codes -> images [N, 3, 1024, 1024] in [-1, 1]."""
        return self.decoder(codes.styles.to(self.device)).clamp_(-1, 1)

    @torch.inference_mode()
    def sample(self, count: int, *, seed: int, truncation: float = 0.7) -> Codes:
        """Codes of ``count`` random faces, one style in all slots of each."""
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(count, STYLE_DIM, generator=generator).to(self.device)
        styles = self.mapping.truncated(noise, truncation)
        return self._codes(styles[:, None].repeat(1, SLOTS, 1))

    def _codes(self, styles: Tensor) -> Codes:
        return Codes(styles, FAMILY, SLOT_RESOLUTIONS)


def load(device: str = "cpu", folder: Path = FOLDER) -> WaveletModel:
    """Load the three weight files of ``folder``.

    Raises:
        ModelError: a file is missing, damaged or of another shape.
    """
    return WaveletModel(
        filled(Encoder(), folder / "encoder.safetensors"),
        filled(Decoder(), folder / "decoder.safetensors"),
        filled(Mapping(), folder / "mapping.safetensors"),
        device,
    )
