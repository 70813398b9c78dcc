"""The bundled model as the rest of the house sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.faces.regions import segmenter_on
from facemod.latent.codes import Codes, Details
from facemod.models.base import Drawn, Effort, ModelInfo, Watch, WindowDrawer, unwatched
from facemod.models.wavelet import encoder as encoders
from facemod.models.wavelet.corrector import Corrector, IterativeEncoder
from facemod.models.wavelet.crops import decode_window
from facemod.models.wavelet.decoder import SLOT_RESOLUTIONS, SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.details import BLOCKS_BEFORE, DetailPath, untouched
from facemod.models.wavelet.encoder import Encoder
from facemod.models.wavelet.fast import FastDecoder
from facemod.models.wavelet.fitting import fine_residual, fit_faces, measured_seconds
from facemod.models.wavelet.heads import WIDTHS, Heads, Painter
from facemod.models.wavelet.identity import Identity, MobileFaceNet
from facemod.models.wavelet.mapping import Mapping
from facemod.models.wavelet.matting import BLOCKS_READ, MattingHead
from facemod.models.wavelet.matting import WEIGHTS as MATTING
from facemod.models.wavelet.preview import LinearPreview, Viewer
from facemod.models.wavelet.styling import StyleFitter
from facemod.models.windows import Window
from facemod.tensors.blur import resized
from facemod.tensors.recent import Recent
from facemod.weights.files import loaded

FAMILY = "wavelet"
LICENCE = "non-commercial research (see MODEL_CARD.md)"
FOLDER = Path(__file__).parent
# Of so many faces the features are remembered: of two photos, and of what is between them.
REMEMBERED = 3


@dataclass(frozen=True)
class Networks:
    """Everything that the bundled model is made of, as its files hold it."""

    encoder: Encoder
    corrector: Corrector
    decoder: Decoder
    mapping: Mapping
    details: DetailPath
    heads: Heads
    preview: LinearPreview
    identity: Identity

    @classmethod
    def load(cls, folder: Path = FOLDER) -> Networks:
        """Those of ``folder``.

        Raises:
            ModelError: a file is missing, damaged or of another shape.
        """
        made: dict[str, Callable[[], nn.Module]] = {
            "encoder": Encoder,
            "corrector": Corrector,
            "decoder": Decoder,
            "mapping": Mapping,
            "details": DetailPath,
            "heads": Heads,
            "preview": LinearPreview,
            "identity": MobileFaceNet,
        }
        there: dict[str, Any] = {
            name: loaded(build, folder / f"{name}.safetensors") for name, build in made.items()
        }
        return cls(**there | {"identity": Identity(there["identity"])})

    @property
    def parameters(self) -> int:
        """How many numbers were learnt."""
        parts = (getattr(self, part.name) for part in fields(self))
        return sum(p.numel() for part in parts for p in part.parameters())

    def on(self, device: torch.device) -> Networks:
        """The same networks there, at rest, as convolutions are fastest."""
        moved = (
            getattr(self, part.name).eval().requires_grad_(False).to(device)
            for part in fields(self)
        )
        # Channels-last convolutions take about two thirds of the time, on CPU and GPU alike.
        return Networks(*(network.to(memory_format=torch.channels_last) for network in moved))


class Coarse(NamedTuple):
    """Features [N, 512, 64, 64]: with details, without, and those that each entry goes with."""

    shown: Tensor
    styled: Tensor
    befores: Sequence[Tensor]


class WaveletModel:
    """The bundled networks on one device, in float32."""

    def __init__(self, networks: Networks, device: str) -> None:
        self.device = torch.device(device)
        self.networks = networks.on(self.device)
        self.encoder, self.decoder = self.networks.encoder, self.networks.decoder
        self.mapping, self.details = self.networks.mapping, self.networks.details
        painter = FastDecoder if self.device.type == "cpu" else Painter
        self.painter = painter(self.decoder, self.networks.heads)
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
            parameters=self.networks.parameters,
        )

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Codes:
        """Aligned faces [N, 3, R, R] in [-1, 1], R >= 128 -> codes with details."""
        images, side = images.to(self.device), encoders.RESOLUTION
        small = F.interpolate(images, (side, side), mode="area")
        codes = self._codes(self.style_encoder(small))
        entry = Details.of(self.details.encode(images), codes.styles)
        return replace(codes, details=(entry,))

    @torch.inference_mode()
    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        """Codes -> images [N, 3, size, size] in [-1, 1], 1024 px unless told otherwise."""
        x, styles, blocks = self.begun(codes)
        return self.painter.image(x, styles, blocks, size or self.info.resolution).clamp_(-1, 1)

    @torch.inference_mode()
    def draw(self, codes: Codes, size: int | None = None, window: Window | None = None) -> Drawn:
        """What :meth:`decode` gives, and where the person is in it: [N, 1, 128, 128].

        Outside of the core of a ``window`` there is a preview of the picture.
        """
        side = size or self.info.resolution
        coarse = self.coarse(codes)
        x, styles, blocks = self.begun(codes, coarse)
        x = self.painter.through(x, styles, range(blocks, BLOCKS_READ))
        image = self.painter.image(x, styles, BLOCKS_READ, side, window)
        if window is not None:
            part, image = image, resized(self.networks.preview(coarse.shown), side)
            window.core.of(image).copy_(window.inner(part))
        return Drawn(image.clamp_(-1, 1), self.matting(x).sigmoid())

    @cached_property
    def matting(self) -> MattingHead:
        """What tells the person from the background; ModelError if its weights are damaged."""
        return loaded(MattingHead, MATTING).eval().requires_grad_(False).to(self.device)

    def coarse(self, codes: Codes) -> Coarse:
        """The 64 px features of codes."""
        features = self.features_of(codes.styles.to(self.device))
        befores = [self.features_of(entry.styles.to(self.device)) for entry in codes.details]
        shown = features + sum(
            self.residual(entry, before, features)
            for entry, before in zip(codes.details, befores, strict=True)
        )
        return Coarse(shown, features, befores)

    def begun(self, codes: Codes, coarse: Coarse | None = None) -> tuple[Tensor, Tensor, int]:
        """The features of codes with all details, the styles, and the blocks that are done."""
        x, features, befores = coarse or self.coarse(codes)
        styles, blocks = codes.styles.to(self.device), BLOCKS_BEFORE
        if any(entry.fitted is not None for entry in codes.details):
            shown = zip(codes.details, befores, strict=True)
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

    def fit(self, images: Tensor, codes: Codes, effort: Effort, watch: Watch = unwatched) -> Codes:
        """Codes whose pictures are closer to N faces ``images`` [N, 3, 1024, 1024] in [-1, 1]."""
        with torch.inference_mode(False), torch.enable_grad():
            wanted, details = images.to(self.device).clone(), self.details.decoder
            return fit_faces(self.style_fitter, details, wanted, codes, effort, watch)

    def fit_seconds(self, effort: Effort) -> float:
        """At most how long a fit takes on this machine, measured by a few of its steps."""
        codes = self.encode(torch.zeros(1, 3, self.info.resolution, self.info.resolution))
        with torch.inference_mode(False), torch.enable_grad():
            return measured_seconds(self.style_fitter, self.details.decoder, codes, effort)

    @cached_property
    def viewer(self) -> Viewer:
        """What searches for styles look through."""
        networks = self.networks
        segmenter = segmenter_on(self.device)
        return Viewer(self.decoder, networks.preview, networks.identity, segmenter)

    @cached_property
    def style_encoder(self) -> IterativeEncoder:
        """What reads styles off photos."""
        features = partial(self.painter.features, blocks=BLOCKS_BEFORE)
        return IterativeEncoder(self.encoder, self.networks.corrector, self.viewer, features)

    @cached_property
    def style_fitter(self) -> StyleFitter:
        """What fits styles to photos."""
        with torch.inference_mode(False):
            mean, axes = (tensor.clone() for tensor in (self.encoder.mean, self.encoder.basis))
        return StyleFitter(self.viewer, mean, axes)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of all weights."""
        state = hashlib.blake2b(digest_size=16)
        for part in fields(self.networks):
            for tensor in getattr(self.networks, part.name).state_dict().values():
                state.update(tensor.cpu().contiguous().numpy())
        return state.hexdigest()

    @cached_property
    def features_of(self) -> Recent:
        """Styles [N, 16, 512] -> 64 px features [N, 512, 64, 64]."""
        return Recent(partial(self.painter.features, blocks=BLOCKS_BEFORE), REMEMBERED)

    @cached_property
    def residual_of(self) -> Recent:
        """Maps and the styles they go with -> what they add to the 64 px features of these."""
        details = self.details.decoder
        return Recent(lambda maps, styles: details(maps, self.features_of(styles)), REMEMBERED)

    def residual(self, entry: Details, before: Tensor, features: Tensor) -> Tensor:
        """What one entry of details adds to the ``features`` [N, 512, 64, 64] of the edit."""
        whole = self.residual_of(entry.maps.to(self.device), entry.styles.to(self.device))
        here = untouched(before, features, entry.yielding.to(self.device))
        return whole * (self._shown(entry) * here)

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
    """The model of the weight files of ``folder``.

    Raises:
        ModelError: a file is missing, damaged or of another shape.
    """
    return WaveletModel(Networks.load(folder), device)
