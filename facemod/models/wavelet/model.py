"""The bundled model as the rest of the house sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.latent.codes import Codes, Details
from facemod.models.base import Effort, ModelInfo, Watch, WindowDrawer, unwatched
from facemod.models.wavelet import encoder as encoders
from facemod.models.wavelet.crops import decode_window
from facemod.models.wavelet.decoder import SLOT_RESOLUTIONS, SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.details import BLOCKS_BEFORE, DetailPath
from facemod.models.wavelet.encoder import Encoder
from facemod.models.wavelet.fast import FastDecoder
from facemod.models.wavelet.fitting import fine_residual, fit_face, measured_seconds
from facemod.models.wavelet.heads import WIDTHS, Heads, Painter
from facemod.models.wavelet.identity import Identity, MobileFaceNet
from facemod.models.wavelet.mapping import Mapping
from facemod.models.wavelet.preview import LinearPreview
from facemod.models.wavelet.styling import StyleFitter
from facemod.models.windows import Window
from facemod.weights.files import filled

FAMILY = "wavelet"
LICENCE = "non-commercial research (see MODEL_CARD.md)"
FOLDER = Path(__file__).parent


class WaveletModel:
    """Encoder, decoder with heads, mapping network and details path on one device, in float32."""

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        mapping: Mapping,
        details: DetailPath,
        heads: Heads,
        device: str,
    ) -> None:
        self.device = torch.device(device)
        networks = (encoder, decoder, mapping, details, heads)
        self.encoder, self.decoder, self.mapping, self.details, self.heads = (
            network.eval().requires_grad_(False).to(self.device) for network in networks
        )
        # Channels-last convolutions take about two thirds of the time, on CPU and GPU alike.
        self.encoder.to(memory_format=torch.channels_last)
        self.decoder.to(memory_format=torch.channels_last)
        self.details.to(memory_format=torch.channels_last)
        painter = FastDecoder if self.device.type == "cpu" else Painter
        self.painter = painter(self.decoder, self.heads)
        self.info = ModelInfo(
            name="bundled",
            family=FAMILY,
            resolution=SLOT_RESOLUTIONS[-1],
            slots=SLOTS,
            dim=STYLE_DIM,
            slot_resolutions=SLOT_RESOLUTIONS,
            geometry="flat",
            licence=LICENCE,
            smaller=tuple(WIDTHS),
            parameters=sum(p.numel() for network in networks for p in network.parameters()),
        )

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Codes:
        """Aligned faces [N, 3, R, R] in [-1, 1], R >= 128 -> codes with details."""
        images, side = images.to(self.device), encoders.RESOLUTION
        small = F.interpolate(images, (side, side), mode="area")
        codes = self._codes(self.encoder(small.contiguous(memory_format=torch.channels_last)))
        entry = Details.of(self.details.encode(images), codes.styles)
        return replace(codes, details=(entry,))

    @torch.inference_mode()
    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        """Codes -> images [N, 3, size, size] in [-1, 1], 1024 px unless told otherwise."""
        x, styles, blocks = self.begun(codes)
        return self.painter.image(x, styles, blocks, size or self.info.resolution).clamp_(-1, 1)

    def begun(self, codes: Codes) -> tuple[Tensor, Tensor, int]:
        """The features of codes with their details, the styles, and the blocks that are done."""
        styles = codes.styles.to(self.device)
        features, *befores = self._features([styles, *(entry.styles for entry in codes.details)])
        shown = list(zip(codes.details, befores, strict=True))
        x = features + sum(self.residual(entry, before, features) for entry, before in shown)
        blocks = BLOCKS_BEFORE
        if any(entry.fitted is not None for entry in codes.details):
            x = self.painter.through(x, styles, range(blocks, blocks + 1))
            x = x + sum(self.fine_residual_of(entry, before, features) for entry, before in shown)
            blocks += 1
        return x, styles, blocks

    @property
    def style_axes(self) -> Tensor:
        """The principal axes of natural styles [512, 512], each one standard deviation long."""
        return self.encoder.basis

    def window_drawer(self, codes: Codes) -> WindowDrawer:
        """What draws ``codes`` of one face with other styles [1, 16, 512], differentiably.

        It takes the styles and windows, and returns the 64 px features and the pictures in the
        windows, which are about [-1, 1] and not clamped.
        """
        with torch.no_grad():
            # Clones, because what inference mode made cannot take part in gradients.
            entries = [
                (
                    entry.maps.to(self.device).clone(),
                    self.decoder.features(entry.styles.to(self.device).clone(), BLOCKS_BEFORE),
                    entry.weights.to(self.device).clone()[:, None, None, None],
                )
                for entry in codes.details
            ]

        def draw(styles: Tensor, windows: Sequence[Window]) -> tuple[Tensor, list[Tensor]]:
            features = self.decoder.features(styles, BLOCKS_BEFORE)
            features = features + sum(
                weights * self.details.residual(maps, before, features)
                for maps, before, weights in entries
            )
            return features, [decode_window(self.decoder, features, styles, w) for w in windows]

        return draw

    def fit(self, image: Tensor, codes: Codes, effort: Effort, watch: Watch = unwatched) -> Codes:
        """Codes whose picture is closer to one face's ``image`` [1, 3, 1024, 1024] in [-1, 1]."""
        with torch.inference_mode(False), torch.enable_grad():
            target = image.to(self.device).clone()
            return fit_face(self.style_fitter, self.details.decoder, target, codes, effort, watch)

    def fit_seconds(self, effort: Effort) -> float:
        """At most how long a fit takes on this machine, measured by a few of its steps."""
        codes = self.encode(torch.zeros(1, 3, self.info.resolution, self.info.resolution))
        with torch.inference_mode(False), torch.enable_grad():
            return measured_seconds(self.style_fitter, self.details.decoder, codes, effort)

    @cached_property
    def style_fitter(self) -> StyleFitter:
        """What fits styles to photos; loaded where it is first asked for.

        Raises:
            ModelError: its weights are missing, damaged or of another shape.
        """
        with torch.inference_mode(False):
            preview = filled(LinearPreview(), FOLDER / "preview.safetensors")
            identity = Identity(filled(MobileFaceNet(), FOLDER / "identity.safetensors"))
            preview, identity = (
                network.requires_grad_(False).to(self.device, memory_format=torch.channels_last)
                for network in (preview, identity)
            )
            mean, axes = (tensor.clone() for tensor in (self.encoder.mean, self.encoder.basis))
        return StyleFitter(self.decoder, preview, identity, mean, axes)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all weights."""
        state = hashlib.blake2b(digest_size=16)
        for network in (self.encoder, self.decoder, self.details):
            for tensor in network.state_dict().values():
                state.update(tensor.cpu().contiguous().numpy())
        return state.hexdigest()

    def _features(self, styles: Sequence[Tensor]) -> Sequence[Tensor]:
        """The 64 px features of several sets of styles; what they share is computed once."""
        together = torch.cat([some.to(self.device) for some in styles])
        unique, places = torch.unique(together, dim=0, return_inverse=True)
        features = self.painter.features(unique, BLOCKS_BEFORE)
        return features[places].split([len(some) for some in styles])

    def residual(self, entry: Details, before: Tensor, features: Tensor) -> Tensor:
        """What one entry of details adds to the ``features`` [N, 512, 64, 64] of the edit."""
        return self._shown(entry) * self.details.residual(
            entry.maps.to(self.device), before, features, entry.yielding.to(self.device)
        )

    def fine_residual_of(self, entry: Details, before: Tensor, features: Tensor) -> Tensor | float:
        """What one entry adds to the features [N, 256, 128, 128]."""
        if entry.fitted is None:
            return 0.0
        fitted, yielding = entry.fitted.to(self.device), entry.yielding.to(self.device)
        return self._shown(entry) * fine_residual(fitted, before, features, yielding)

    def _shown(self, entry: Details) -> Tensor:
        return entry.weights.to(self.device)[:, None, None, None]

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
    """Load the five weight files of ``folder``.

    Raises:
        ModelError: a file is missing, damaged or of another shape.
    """
    return WaveletModel(
        filled(Encoder(), folder / "encoder.safetensors"),
        filled(Decoder(), folder / "decoder.safetensors"),
        filled(Mapping(), folder / "mapping.safetensors"),
        filled(DetailPath(), folder / "details.safetensors"),
        filled(Heads(), folder / "heads.safetensors"),
        device,
    )
