"""Models whose latents lie on a unit sphere, as one file and as the rest of the house sees them.

A model file is one safetensors file: the tensors of both networks, the code of the model's
average picture (``centre``, which truncation draws toward), and in the header the
:class:`Facts` that say how to build the networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.errors import ModelError
from facemod.files.atomic import atomic_path
from facemod.latent.codes import Codes
from facemod.latent.interpolate import slerp
from facemod.models.base import ModelInfo
from facemod.models.sphere.growing import LATENT, Encoder, level_of, random_latents, resolution_of
from facemod.weights.files import fill, load_weights, save_weights

CENTRE = "centre"
SAMPLES_IN_CENTRE = 16
# Beyond these no published model goes; they keep a made-up header from asking for terabytes.
LARGEST_WIDTH, LARGEST_RESOLUTION, SMALLEST_RESOLUTION = 2048, 1024, 16
Networks = tuple[Encoder, nn.Module]


@dataclass(frozen=True)
class Facts:
    """What a model file says of itself."""

    family: str
    resolution: int
    encoder_widths: tuple[int, ...]
    """Channels of the encoder's levels from 4 px up."""
    decoder_widths: tuple[int, ...]
    latent: int = LATENT
    images_seen: int = 0
    """How many training images it has seen."""
    source: str = ""
    """Where it comes from, in one line."""
    licence: str = "unknown"
    last_relu: bool = True
    """Whether a Balanced PIONEER's encoder ends in a leaky ReLU; other families leave no choice."""

    def __post_init__(self) -> None:
        levels = level_of(self.resolution) + 1
        widths = (*self.encoder_widths, *self.decoder_widths, self.latent)
        if not SMALLEST_RESOLUTION <= self.resolution <= LARGEST_RESOLUTION:
            raise ValueError(f"resolution {self.resolution} px")
        if len(self.encoder_widths) != levels or len(self.decoder_widths) != levels:
            raise ValueError(f"{self.resolution} px needs channels for {levels} levels")
        if not all(isinstance(width, int) and 1 <= width <= LARGEST_WIDTH for width in widths):
            raise ValueError(f"channels {widths}")

    @classmethod
    def read(cls, config: Mapping[str, Any], path: Path) -> Facts:
        """The facts in a header that anybody may have written; ModelError if they make no sense."""
        try:
            return cls(
                family=str(config["family"]),
                resolution=int(config["resolution"]),
                encoder_widths=tuple(config["encoder_widths"]),
                decoder_widths=tuple(config["decoder_widths"]),
                latent=int(config["latent"]),
                images_seen=int(config["images_seen"]),
                source=str(config["source"]),
                licence=str(config["licence"]),
                last_relu=bool(config.get("last_relu", True)),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ModelError(f"{path}: its header describes no model ({error})") from error

    @property
    def levels(self) -> int:
        """How many levels the networks have."""
        return len(self.encoder_widths)


class SphereModel:
    """An encoder, a decoder and the centre of their sphere on one device, in float32.

    Subclasses say how many slots the codes have and how they are decoded.
    """

    def __init__(
        self, name: str, facts: Facts, networks: Networks, centre: Tensor, device: str
    ) -> None:
        self.device = torch.device(device)
        self.encoder, self.decoder = (
            network.eval().requires_grad_(False).to(self.device, memory_format=torch.channels_last)
            for network in networks
        )
        self.centre = centre.to(self.device)
        resolutions = self.slot_resolutions(facts)
        self.info = ModelInfo(
            name=name,
            family=facts.family,
            resolution=facts.resolution,
            slots=len(resolutions),
            dim=facts.latent,
            slot_resolutions=resolutions,
            geometry="sphere",
            licence=facts.licence,
            parameters=sum(p.numel() for network in networks for p in network.parameters()),
            truncation=1.0,
            images_seen=facts.images_seen,
            source=facts.source,
        )

    @staticmethod
    def slot_resolutions(facts: Facts) -> tuple[int, ...]:
        """For each slot, the output resolution that it acts on, in px."""
        raise NotImplementedError

    def decode_styles(self, styles: Tensor) -> Tensor:
        """Styles [N, slots, dim] on the model's device -> images, not clamped."""
        raise NotImplementedError

    @torch.inference_mode()
    def encode(self, images: Tensor) -> Codes:
        """Aligned faces [N, 3, R, R] in [-1, 1] -> codes, the same latent in every slot."""
        images = images.to(self.device)
        side = self.info.resolution
        if images.shape[-1] != side:
            images = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
        return self._codes(self.encoder(images.contiguous(memory_format=torch.channels_last)))

    @torch.inference_mode()
    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        """Codes -> images [N, 3, R, R], clamped to [-1, 1]."""
        return self.decode_styles(codes.styles.to(self.device)).clamp_(-1, 1)

    @torch.inference_mode()
    def sample(self, count: int, *, seed: int, truncation: float = 1.0) -> Codes:
        """Codes of ``count`` random faces; ``truncation`` walks the arc from the centre to each."""
        generator = torch.Generator().manual_seed(seed)
        latents = random_latents(count, self.info.dim, generator).to(self.device)
        if truncation != 1:
            latents = slerp(self.centre.expand_as(latents), latents, truncation)
        return self._codes(latents)

    def _codes(self, latents: Tensor) -> Codes:
        styles = latents[:, None].repeat(1, self.info.slots, 1)
        return Codes(
            styles, self.info.family, self.info.slot_resolutions, geometry=self.info.geometry
        )


def all_levels(facts: Facts) -> tuple[int, ...]:
    """The resolution of every level."""
    return tuple(resolution_of(level) for level in range(facts.levels))


Build = Callable[[Facts], Networks]


def write_model(
    path: Path, facts: Facts, networks: Networks, centre: Tensor, *, overwrite: bool = False
) -> None:
    """Write a model file, whole or not at all.

    Args:
        path: the file; it appears only when it is complete.
        facts: what the header says.
        networks: the encoder and the decoder, their weights folded.
        centre: the code of the average picture [dim], on the sphere.
        overwrite: an existing file may be replaced.

    Raises:
        OutputError, OutputExistsError: the file cannot be written, or is there already.
    """
    state = {CENTRE: centre}
    for part, network in zip(("encoder", "decoder"), networks, strict=True):
        state |= {f"{part}.{name}": tensor for name, tensor in network.state_dict().items()}
    with atomic_path(path, overwrite=overwrite) as temporary:
        save_weights(temporary, state, asdict(facts), dtype=torch.float32)


def read_model(path: Path, build: Mapping[str, Build]) -> tuple[Facts, Networks, Tensor]:
    """Read a model file that anybody may have written. No network is built before its size fits.

    Raises:
        ModelError: the file is missing, damaged, of an unknown family, of the wrong shapes, or
            holds values that are not finite.
    """
    state, config = load_weights(path)
    if not isinstance(config, dict) or config.get("family") not in build:
        raise ModelError(f"{path}: not a model file; known families: {', '.join(sorted(build))}")
    facts = Facts.read(config, path)
    centre = state.pop(CENTRE, None)
    if centre is None or centre.shape != (facts.latent,):
        raise ModelError(f"{path}: holds no centre of {facts.latent} numbers")
    with torch.device("meta"):
        networks = build[facts.family](facts)
    parts: dict[str, dict[str, Tensor]] = {"encoder": {}, "decoder": {}}
    for name, tensor in state.items():
        part, _, rest = name.partition(".")
        parts.setdefault(part, {})[rest] = tensor
    if len(parts) > 2:
        raise ModelError(f"{path}: holds tensors of neither an encoder nor a decoder")
    for network, part in zip(networks, ("encoder", "decoder"), strict=True):
        fill(network, parts[part], path, assign=True)
    return facts, networks, centre


@torch.inference_mode()
def centre_of(model: SphereModel, samples: int = SAMPLES_IN_CENTRE) -> Tensor:
    """The code [dim] of a model's average picture, on the sphere.

    A sphere has no middle that draws could be pulled toward; the code of the mean of some
    random pictures stands in for it.
    """
    mean = torch.zeros(3, model.info.resolution, model.info.resolution, device=model.device)
    for seed in range(samples):
        mean += model.decode(model.sample(1, seed=seed))[0] / samples
    return model.encode(mean[None]).styles[0, 0].clone()
