"""The record by which everybody knows a family of models: one in each family's folder."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from facemod.models.base import FaceModel
    from facemod.models.sphere.model import Facts, Networks
    from facemod.models.sphere.published import Checkpoint, Tensors

MIX, FIT, PAINT, NOISE = "mix", "fit", "paint", "noise"
"""What a family may support beside editing: taking scales from others; fidelity refine and adapt;
painting; noise of the decoder's own."""


@dataclass(frozen=True)
class FileFormat:
    """How models of a family become files, and files models."""

    networks: Callable[[Facts], Networks]
    """The encoder and the decoder that a file's facts describe, with fresh weights."""
    load: Callable[[str, Facts, Networks, Tensor, str], FaceModel]
    """A model from its name, its facts, its networks, its centre and a torch device."""
    detect: Callable[[Collection[str]], bool]
    """Whether the names are those of the decoder of a published checkpoint of this family."""
    convert: Callable[[Checkpoint], tuple[Facts, Tensors, Tensors]]
    """The facts and the plain weights of encoder and decoder of such a checkpoint."""


@dataclass(frozen=True)
class Family:
    """A family of models. Nothing heavy is imported before one of them is used."""

    name: str
    supports: frozenset[str]
    files: FileFormat | None = None
    """None for a family whose one model comes with facemod."""
    bundled: Callable[[str], FaceModel] | None = None
    """Loads the model that comes with facemod on a torch device, if it is of this family."""
    resolution: int = 0
    """Side of the bundled model's pictures, in px."""
