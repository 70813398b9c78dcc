"""The automodulator's decoder: one latent per level modulates feature maps by AdaIN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.sphere.growing import LATENT, SLOPE, blend

# Channels at 4, 8, ... 1024 px of the two published variants.
FULL = (512, 512, 512, 512, 512, 256, 128, 64, 32)
SMALL = (512, 512, 512, 512, 256, 128, 64, 32, 16)
# A feature map -> standard normal noise of its shape (or one that broadcasts to it).
Noise = Callable[[Tensor], Tensor]
# Far below any deviation of a trained network; keeps a dead channel from becoming NaN.
SMALLEST_DEVIATION = 1e-12


class Style(nn.Module):
    """Adaptive instance normalisation (Huang and Belongie 2017) by an affine map of the latent.

    The deviation is the unbiased one and has no epsilon.
    """

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.affine = nn.Linear(latent, 2 * channels)
        nn.init.xavier_normal_(self.affine.weight)
        nn.init.ones_(self.affine.bias)

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        deviation, mean = torch.std_mean(x, dim=(2, 3), keepdim=True)
        scale, shift = self.affine(latent)[:, :, None, None].chunk(2, dim=1)
        return scale * (x - mean) / deviation.clamp_min(SMALLEST_DEVIATION) + shift


class StyledConv(nn.Module):
    """3x3 convolution, blur where it follows upsampling, noise, leaky ReLU, style."""

    def __init__(self, c_in: int, c_out: int, latent: int, *, blurred: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, padding=1)
        self.blurred = blurred
        self.noise_gain = nn.Parameter(torch.zeros(c_out))
        self.style = Style(c_out, latent)

    def forward(self, x: Tensor, latent: Tensor, noise: Noise | None = None) -> Tensor:
        x = self.conv(x)
        if self.blurred:
            x = blur(x)
        if noise is not None:
            x = x + noise(x) * self.noise_gain.to(x.dtype)[:, None, None]
        return self.style(F.leaky_relu(x, SLOPE), latent)


def blur(x: Tensor) -> Tensor:
    """Each channel of [N, C, H, W] through the binomial filter [1 2 1] x [1 2 1] / 16.

    Two means of 2x2 pixels are that filter, and quicker than a convolution of single channels.
    """
    return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1, padding=1), 2, stride=1)


class FirstBlock(nn.Module):
    """4 px: a styled convolution of the constant 1. It never has noise."""

    def __init__(self, channels: int, latent: int) -> None:
        super().__init__()
        self.conv2 = StyledConv(channels, channels, latent)
        self.conv2.noise_gain.requires_grad_(False)

    def forward(self, x: Tensor, latent: Tensor, noise: Noise | None = None) -> Tensor:
        return self.conv2(x, latent)


class Block(nn.Module):
    """Double the resolution, then two styled convolutions that share one latent."""

    def __init__(self, c_in: int, c_out: int, latent: int) -> None:
        super().__init__()
        self.conv1 = StyledConv(c_in, c_out, latent, blurred=True)
        self.conv2 = StyledConv(c_out, c_out, latent)

    def forward(self, x: Tensor, latent: Tensor, noise: Noise | None = None) -> Tensor:
        return self.conv2(self.conv1(enlarged(x), latent, noise), latent, noise)


def enlarged(x: Tensor) -> Tensor:
    """Twice the resolution, by repeating pixels."""
    return F.interpolate(x, scale_factor=2, mode="nearest")


class Decoder(nn.Module):
    """One latent per level [N, levels, latent] -> images [N, 3, R, R], not clamped.

    Args:
        widths: channels of each level from 4 px up; as many as there are levels.
        latent: numbers in the latent.
    """

    def __init__(self, widths: Sequence[int], latent: int = LATENT) -> None:
        super().__init__()
        blocks = [Block(c_in, c_out, latent) for c_in, c_out in pairwise(widths)]
        self.blocks = nn.ModuleList([FirstBlock(widths[0], latent), *blocks])
        self.to_rgb = nn.ModuleList(nn.Conv2d(width, 3, 1) for width in widths)

    def features(
        self,
        styles: Tensor,
        levels: range,
        x: Tensor | None = None,
        noise: Noise | None = None,
    ) -> Tensor:
        """The feature map after ``levels`` [N, C, 4 << last, 4 << last].

        ``styles`` [N, any, latent] has the latent of level i at place i. ``x`` is the map that
        the first of the levels continues from; without it, they start at level 0.
        """
        if x is None:
            x = styles.new_ones(len(styles), self.to_rgb[0].in_channels, 4, 4)
        for level in levels:
            x = self.blocks[level](x, styles[:, level], noise)
        return x

    def forward(
        self,
        styles: Tensor,
        level: int | None = None,
        fade: float = 1.0,
        noise: Noise | None = None,
        after: tuple[int, Tensor] | None = None,
    ) -> Tensor:
        """Decode at ``level`` (by default the highest) to images of 4 << level px.

        ``after`` is how many levels are done already, and the feature map that they gave.
        """
        level = len(self.blocks) - 1 if level is None else level
        done, x = after or (0, None)
        below = self.features(styles, range(done, level), x, noise) if level else None
        images = self.to_rgb[level](self.features(styles, range(level, level + 1), below, noise))
        if below is None or fade >= 1:
            return images
        return blend(self.to_rgb[level - 1](enlarged(below)), images, fade)

    def convolutions(self) -> list[nn.Conv2d]:
        """The convolutions whose learning rate training equalises, from 4 px up."""
        return [module.conv for module in self.modules() if isinstance(module, StyledConv)]
