"""Published checkpoints: what the three families' files have in common.

They are dictionaries written by the authors' trainers. Nothing is taken from them that the
families' published code does not define; anything else is refused. Weights are scaled and
normalised in float64, once, and stored plain.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facemod.errors import ModelError
from facemod.models.sphere.growing import he_constant, level_of, resolution_of
from facemod.models.sphere.model import SMALLEST_RESOLUTION, Facts

# The trainers build nine levels, to 1024 px, whatever they train.
LEVELS = 9
DECODER, ENCODER, SPECTRAL = "G_running_state_dict", "D_state_dict", "SNU"
LICENCE = "weights: none stated by the authors; their code is under the MIT licence"
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """The parts of a published checkpoint that inference needs, every tensor finite."""

    path: Path
    decoder: Tensors
    """The moving average of the decoder, which is the one its authors use."""
    encoder: Tensors
    spectral: tuple[Tensor, ...] | None
    """The left vectors of the encoder's spectral norm, where the file has them."""
    level: int
    images_seen: int
    fade: float
    """How far the newest level had faded in when the file was written."""

    @classmethod
    def read(cls, raw: object, path: Path) -> Checkpoint:
        """Check what a pickle held. Raises ModelError if it is no published checkpoint."""
        if not isinstance(raw, dict):
            raise ModelError(f"{path}: holds a {type(raw).__name__}, not a published checkpoint")
        missing = {DECODER, ENCODER, "phase", "iteration", "alpha"} - set(raw)
        if missing:
            raise ModelError(
                f"{path}: not a checkpoint of PIONEER, Balanced PIONEER or an automodulator: "
                f"it has no {', '.join(sorted(missing))}"
            )
        level = whole_number(raw, "phase", path)
        if not level_of(SMALLEST_RESOLUTION) <= level < LEVELS:
            raise ModelError(f"{path}: its phase is {level}; 2 (16 px) to 8 (1024 px) can be used")
        return cls(
            path=path,
            decoder=tensors_in(raw[DECODER], DECODER, path),
            encoder=tensors_in(raw[ENCODER], ENCODER, path),
            spectral=spectral_vectors(raw.get(SPECTRAL), path),
            level=level,
            images_seen=whole_number(raw, "iteration", path),
            fade=float(raw["alpha"]) if isinstance(raw["alpha"], (int, float)) else 1.0,
        )

    def facts(self, family: str, encoder: Tensors, decoder: Tensors) -> Facts:
        """The facts of the converted networks."""
        encoder_widths, decoder_widths = (
            tuple(state[f"{name}.{i}.weight"].shape[axis] for i in range(self.level + 1))
            for state, name, axis in ((encoder, "from_rgb", 0), (decoder, "to_rgb", 1))
        )
        source = f"published checkpoint {self.path.name}"
        latent = encoder["blocks.0.conv2.bias"].shape[0]
        try:
            return Facts(
                family, resolution_of(self.level), encoder_widths, decoder_widths, latent=latent,
                licence=LICENCE, images_seen=self.images_seen, source=source,
            )  # fmt: skip
        except ValueError as error:
            raise ModelError(f"{self.path}: networks of unheard-of sizes: {error}") from error


def whole_number(raw: Mapping[str, Any], key: str, path: Path) -> int:
    """A number of the checkpoint; ModelError when it is none."""
    value = raw[key]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1 << 53:
        raise ModelError(f"{path}: {key} is {str(value)[:40]}, not a count")
    return int(value)


def tensors_in(part: object, name: str, path: Path) -> Tensors:
    """A state dict, without the names' ``module.`` prefix (its writer's wrapper)."""
    if not isinstance(part, dict) or not all(isinstance(key, str) for key in part):
        raise ModelError(f"{path}: {name} is not a table of tensors")
    for key, tensor in part.items():
        check_tensor(tensor, f"{name} {key}", path)
    return {key.removeprefix("module."): tensor for key, tensor in part.items()}


def spectral_vectors(part: object, path: Path) -> tuple[Tensor, ...] | None:
    """The left vectors of the spectral norms, flat; None if the file has none."""
    if part is None:
        return None
    if not isinstance(part, (list, tuple)):
        raise ModelError(f"{path}: {SPECTRAL} is not a list of vectors")
    for i, vector in enumerate(part):
        check_tensor(vector, f"{SPECTRAL} {i}", path)
    return tuple(vector.flatten() for vector in part)


def check_tensor(tensor: object, name: str, path: Path) -> None:
    """Raise ModelError for anything but finite floating-point numbers."""
    if not isinstance(tensor, Tensor) or not tensor.is_floating_point() or tensor.is_sparse:
        raise ModelError(f"{path}: {name} is not a tensor of numbers")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise ModelError(f"{path}: {name} claims more numbers than the file holds")
    if not torch.isfinite(tensor).all():
        raise ModelError(f"{path}: {name} holds values that are not finite")


class Parts:
    """A state dict that is taken apart tensor by tensor, by published name and shape."""

    def __init__(self, tensors: Tensors, path: Path) -> None:
        self.tensors, self.path, self.taken = tensors, path, set[str]()

    def take(self, name: str, *shape: int) -> Tensor:
        """One tensor in float64. Raises ModelError if it is missing or of another shape."""
        tensor = self.tensors.get(name)
        if tensor is None:
            raise ModelError(f"{self.path}: tensor {name} is missing")
        if tuple(tensor.shape) != shape:
            found = " x ".join(map(str, tensor.shape)) or "a single number"
            raise ModelError(
                f"{self.path}: tensor {name} is {found}, not {' x '.join(map(str, shape))}"
            )
        self.taken.add(name)
        return tensor.double()

    def width(self, name: str, axis: int) -> int:
        """The size of one axis of a tensor that decides how wide a network is."""
        tensor = self.tensors.get(name)
        if tensor is None or tensor.ndim <= axis:
            raise ModelError(f"{self.path}: tensor {name} is missing or of another shape")
        return tensor.shape[axis]

    def finish(self) -> None:
        """Raise ModelError if there are tensors that nobody knows."""
        if unknown := sorted(set(self.tensors) - self.taken):
            raise ModelError(
                f"{self.path}: tensor {unknown[0]} and {len(unknown) - 1} more belong to no "
                "published network; refused rather than guessed at"
            )


def convolution(source: Parts, name: str, c_in: int, c_out: int, size: int) -> Tensors:
    """``weight`` (not yet scaled) and ``bias`` of a wrapped convolution."""
    return {
        "weight": source.take(f"{name}.conv.weight_orig", c_out, c_in, size, size),
        "bias": source.take(f"{name}.conv.bias", c_out),
    }


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    """The same tensors under longer names."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def equalised(conv: Tensors, gain: float = 1.0) -> Tensors:
    """A convolution whose learning rate was equalised, with plain weights."""
    return {**conv, "weight": conv["weight"] * (he_constant(conv["weight"]) * gain)}


Norm = Callable[[Tensor], Tensor]


def stored_norm(checkpoint: Checkpoint) -> Norm:
    """The norm by one power iteration from each stored vector in turn, as the authors take it."""
    vectors = iter(checkpoint.spectral or ())

    def norm(weight: Tensor) -> Tensor:
        matrix, left = weight.flatten(1), next(vectors)
        if len(left) != len(matrix):
            raise ModelError(
                f"{checkpoint.path}: a vector in {SPECTRAL} has {len(left)} numbers, "
                f"not {len(matrix)}"
            )
        right = matrix.T @ left.to(matrix)
        return torch.linalg.vector_norm(matrix @ (right / torch.linalg.vector_norm(right)))

    return norm


def true_norm(weight: Tensor) -> Tensor:
    """The norm that endless power iteration ends in: the largest singular value."""
    matrix = weight.flatten(1)
    return torch.linalg.eigvalsh(matrix @ matrix.T)[-1].sqrt()


def normalised(conv: Tensors, norm: Norm) -> Tensors:
    """A spectrally normalised convolution with plain weights."""
    return {**conv, "weight": conv["weight"] / norm(conv["weight"])}


def convert_encoder(checkpoint: Checkpoint, norm: Norm) -> Tensors:
    """The encoder's plain weights by our names; the published levels count from 1024 px down."""
    source = Parts(checkpoint.encoder, checkpoint.path)
    widths = [source.width(f"from_rgb.{i}.weight", 0) for i in range(LEVELS)]
    widths.append(source.width(f"progression.{LEVELS - 1}.conv.2.conv.weight_orig", 0))
    levels: dict[int, Tensors] = {}
    for i in range(LEVELS):
        c_in, c_out, last = widths[i], widths[i + 1], i == LEVELS - 1
        level = LEVELS - 1 - i
        convs = {
            "conv1": convolution(source, f"progression.{i}.conv.0", c_in, c_out, 3),
            "conv2": convolution(source, f"progression.{i}.conv.2", c_out, c_out, 4 if last else 3),
        }
        levels[level] = {
            name: tensor
            for key, conv in convs.items()
            for name, tensor in prefixed(f"blocks.{level}.{key}", normalised(conv, norm)).items()
        }
        levels[level] |= {
            f"from_rgb.{level}.weight": source.take(f"from_rgb.{i}.weight", c_in, 3, 1, 1),
            f"from_rgb.{level}.bias": source.take(f"from_rgb.{i}.bias", c_in),
        }
    source.finish()
    return {k: v for level in range(checkpoint.level + 1) for k, v in levels[level].items()}


def image_heads(source: Parts, widths: list[int], levels: int) -> Tensors:
    """The 1x1 convolutions to RGB, all checked, those of the first ``levels`` returned."""
    heads: Tensors = {}
    for i, width in enumerate(widths):
        weight = source.take(f"to_rgb.{i}.weight", 3, width, 1, 1)
        bias = source.take(f"to_rgb.{i}.bias", 3)
        if i < levels:
            heads |= {f"to_rgb.{i}.weight": weight, f"to_rgb.{i}.bias": bias}
    return heads


def has_all(keys: Collection[str], names: Collection[str]) -> bool:
    """Whether all names are among the keys."""
    return set(names) <= set(keys)
