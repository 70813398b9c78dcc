"""What the three published families share: networks that grow, on the unit sphere.

PIONEER (Heljakka et al. 2018, arXiv 1807.03026), Balanced PIONEER (2020, arXiv 1904.06145) and
the automodulator (2020, arXiv 1912.10321) have one encoder. All networks are stacks of *levels*,
one per resolution (level i works at 4 << i px), trained from the 4 px one upward; a new level
fades in. The latent is a point on the unit sphere.

The modules here hold plain weights. Training scales or normalises them as it goes, by
:func:`equalise` and :func:`normalise_spectrally`; :func:`fold` makes plain weights of them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

LATENT = 512
# Channels at 4, 8, ... 1024 px, as published.
WIDTHS = (512, 512, 512, 512, 256, 128, 64, 32, 16)
SLOPE = 0.2


def resolution_of(level: int) -> int:
    """The side in px of the images and feature maps of a level."""
    return 4 << level


def level_of(resolution: int) -> int:
    """The level of a resolution, which must be a power of two from 4 px on."""
    level = resolution.bit_length() - 3
    if level < 0 or resolution_of(level) != resolution:
        raise ValueError(f"{resolution} px: resolutions are 4, 8, 16, ...")
    return level


def on_sphere(latents: Tensor) -> Tensor:
    """Latents [N, D] scaled to length 1."""
    return latents / latents.norm(dim=1, keepdim=True)


def random_latents(count: int, dim: int, generator: torch.Generator | None = None) -> Tensor:
    """``count`` points [N, D] spread evenly over the unit sphere."""
    return on_sphere(torch.randn(count, dim, generator=generator))


def blend(old: Tensor, new: Tensor, fade: float) -> Tensor:
    """A level that fades in: ``fade`` 0 shows the old one, 1 the new one."""
    return (1 - fade) * old + fade * new


class EncoderBlock(nn.Module):
    """Two convolutions with leaky ReLU; the one at 4 px ends in a single pixel."""

    def __init__(self, c_in: int, c_out: int, *, last: bool, last_activation: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.conv2 = nn.Conv2d(c_out, c_out, 4) if last else nn.Conv2d(c_out, c_out, 3, padding=1)
        self.activate = last_activation or not last

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2(F.leaky_relu(self.conv1(x), SLOPE))
        return F.leaky_relu(x, SLOPE) if self.activate else x


class Encoder(nn.Module):
    """Images [N, 3, R, R] in [-1, 1] -> latents [N, latent] on the unit sphere.

    Args:
        widths: channels of each level from 4 px up; as many as there are levels.
        latent: numbers in the latent.
        last_activation: whether a leaky ReLU stands between the last convolution and the
            sphere (the two PIONEERs) or not (the automodulator).
    """

    def __init__(
        self, widths: Sequence[int], latent: int = LATENT, *, last_activation: bool = False
    ) -> None:
        super().__init__()
        outputs = (latent, *widths[:-1])
        self.from_rgb = nn.ModuleList(nn.Conv2d(3, width, 1) for width in widths)
        self.blocks = nn.ModuleList(
            EncoderBlock(c_in, c_out, last=level == 0, last_activation=last_activation)
            for level, (c_in, c_out) in enumerate(zip(widths, outputs, strict=True))
        )

    def forward(self, images: Tensor, level: int | None = None, fade: float = 1.0) -> Tensor:
        """Encode at ``level`` (by default the highest), whose images have 4 << level px."""
        level = len(self.blocks) - 1 if level is None else level
        x = self.from_rgb[level](images)
        for i in range(level, 0, -1):
            x = F.avg_pool2d(self.blocks[i](x), 2)
            if i == level and fade < 1:
                x = blend(self.from_rgb[i - 1](F.avg_pool2d(images, 2)), x, fade)
        return on_sphere(self.blocks[0](x).flatten(1))

    def convolutions(self) -> list[nn.Conv2d]:
        """The convolutions that training normalises spectrally, from 4 px up."""
        return [conv for block in self.blocks for conv in (block.conv1, block.conv2)]


class Scaled(nn.Module):
    """Equalised learning rate (Karras et al. 2018): a weight times the He constant."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.factor = he_constant(weight)

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor


def he_constant(weight: Tensor) -> float:
    """sqrt(2 / fan-in) of a convolution's weight [out, in, k, k]."""
    return sqrt(2 / weight[0].numel())


def equalise(convolutions: Iterable[nn.Conv2d]) -> None:
    """Draw new weights from N(0, 1) and scale them at every use; biases become 0."""
    for conv in convolutions:
        nn.init.normal_(conv.weight)
        nn.init.zeros_(conv.bias)
        parametrize.register_parametrization(conv, "weight", Scaled(conv.weight))


class Normalised(nn.Module):
    """Spectral norm (Miyato et al. 2018): a weight over an estimate of its largest singular value.

    Every use in training improves the estimate by one step of power iteration, as the published
    families do it.

    Args:
        weight: what is to be normalised [out, in, k, k].
        through: whether gradients go through the step itself (as published), or the singular
            vectors count as constants.
    """

    left: Tensor

    def __init__(self, weight: Tensor, *, through: bool) -> None:
        super().__init__()
        self.through = through
        self.register_buffer("left", torch.randn(len(weight), 1))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            matrix = weight.flatten(1)
            with torch.set_grad_enabled(self.through and torch.is_grad_enabled()):
                right = F.normalize(matrix.T @ self.left, dim=0)
                left = F.normalize(matrix @ right, dim=0)
            if self.training:
                self.left = left.detach()
            return weight / (left.T @ matrix @ right)


def normalise_spectrally(convolutions: Iterable[nn.Conv2d], *, through: bool = True) -> None:
    """Draw new weights (He et al. 2015) and divide them by their norm at every use."""
    for conv in convolutions:
        nn.init.kaiming_normal_(conv.weight)
        nn.init.zeros_(conv.bias)
        norm = Normalised(conv.weight, through=through)
        parametrize.register_parametrization(conv, "weight", norm)


def fold(network: nn.Module) -> None:
    """Replace every scaled or normalised weight by the plain weight that it amounts to."""
    for module in network.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
