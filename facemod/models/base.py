"""The seam between the house and every model family."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from facemod.latent.codes import Codes
from facemod.latent.presets import CodeSpace

if TYPE_CHECKING:
    from facemod.models.windows import Window


@dataclass(frozen=True)
class ModelInfo:
    """Facts about a loaded model. Callers read these and never ask which family it is."""

    name: str
    family: str
    resolution: int
    """Side of the square images that the model reads and writes, in px."""
    slots: int
    dim: int
    slot_resolutions: tuple[int, ...]
    """For each slot, the output resolution that it acts on, in px."""
    geometry: str
    """``flat`` (walk in straight lines) or ``sphere``."""
    licence: str
    parameters: int
    truncation: float = 0.7
    """How far from the average face random ones are drawn unless asked otherwise."""
    images_seen: int = 0
    """How many images it was trained on, counting repetitions; 0 if unknown."""
    source: str = ""
    smaller: tuple[int, ...] = ()
    """Sides of smaller pictures that it can draw as well, in less time."""

    @property
    def space(self) -> CodeSpace:
        """What presets must fit."""
        return CodeSpace(self.family, self.slots, self.dim, self.name)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sides of the pictures that it can draw, in ascending order."""
        return (*sorted(self.smaller), self.resolution)


class FaceModel(Protocol):
    """An encoder and a decoder behind three calls."""

    @property
    def info(self) -> ModelInfo:
        """Facts about it."""
        ...

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def encode(self, images: Tensor) -> Codes:
        """Aligned faces [N, 3, R, R] in [-1, 1] -> codes. R may differ from the resolution."""
        ...

    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        """Codes -> images [N, 3, R, R], clamped to [-1, 1].

        R is ``size``, one of ``info.sizes``; if None, the resolution.
        """
        ...

    def sample(self, count: int, *, seed: int, truncation: float = 0.7) -> Codes:
        """Codes of ``count`` random faces. ``truncation`` 0 is the mean face, 1 the full range."""
        ...


Watch = Callable[[int, int], None]
"""Called after each step of a fit with its number and how many there are; may raise to end it."""


def unwatched(step: int, steps: int) -> None:
    """Let a fit run to its end."""


class Effort(str, Enum):
    """How much time a fit to a photo may take."""

    REFINE = "refine"
    """A few gradient steps, until the styles show this person: seconds."""
    ADAPT = "adapt"
    """Until the decoder shows this very photo: up to a minute on a CPU."""


@runtime_checkable
class FittingModel(Protocol):
    """A model that can be fitted to photos; families need not be able to."""

    device: torch.device
    fingerprint: str
    """Changes with the weights: a fit is of no use to others."""

    def fit(self, images: Tensor, codes: Codes, effort: Effort, watch: Watch = unwatched) -> Codes:
        """Codes whose pictures are closer to the N faces ``images`` [N, 3, R, R] in [-1, 1].

        Each face is fitted as if it were alone. The codes edit, mix and morph as the encoder's
        ``codes`` do, and hold at most 2 MB a face in fp16.
        """
        ...

    def fit_seconds(self, effort: Effort) -> float:
        """At most how long a fit takes on this machine, measured by some of its steps."""
        ...


class WindowDrawer(Protocol):
    """Draws parts of one face's picture, with gradients."""

    def __call__(self, styles: Tensor, windows: Sequence[Window], /) -> tuple[Tensor, list[Tensor]]:
        """From styles [1, slots, dim] to the features that the picture is drawn from and the
        picture in every window."""
        ...


class Drawn(NamedTuple):
    """Decoded pictures, and what of them is person."""

    image: Tensor
    """[N, 3, R, R] in [-1, 1]"""
    person: Tensor
    """[N, 1, H, H] in 0..1, roughly; 1 all over where nobody knows."""


@runtime_checkable
class MattingModel(FaceModel, Protocol):
    """A model that knows which parts of its pictures are person and which background."""

    def draw(self, codes: Codes, size: int | None = None, window: Window | None = None) -> Drawn:
        """What ``decode`` gives, and where the person is in it.

        Outside of the core of a ``window`` the picture need only be roughly right.
        """
        ...


def draw(
    model: FaceModel, codes: Codes, size: int | None = None, window: Window | None = None
) -> Drawn:
    """What any model decodes, and where the person is as far as it knows.

    Outside of the core of a ``window`` nobody looks closely.
    """
    if isinstance(model, MattingModel):
        return model.draw(codes, size, window)
    image = model.decode(codes, size)
    return Drawn(image, torch.ones_like(image[:, :1, :1, :1]))


@runtime_checkable
class WindowModel(FaceModel, Protocol):
    """A model that can draw parts of its picture, with gradients."""

    style_axes: Tensor
    """[dim, dim]: the principal axes of natural styles, one a row, each one standard deviation
    long."""

    def window_drawer(self, codes: Codes) -> WindowDrawer:
        """What draws ``codes`` of one face with other styles."""
        ...
