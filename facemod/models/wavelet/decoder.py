"""The modulated wavelet decoder: 16 styles of 512 numbers each -> a 1024 px face.

The architecture is MobileStyleGAN (Belousov 2021, arXiv 2104.04767): StyleGAN2's modulated
convolutions made depthwise separable, with the inverse Haar transform as upsampling. Every
styled layer multiplies its input channels by an affine map of its own style (its *slot*), which
is what lets coarse, middle and fine scales come from different photos.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STYLE_DIM = 512
# Channels after the first layer and after each of the seven blocks.
CHANNELS = (512, 512, 512, 512, 512, 256, 128, 64)
BLOCKS = len(CHANNELS) - 1
SLOTS = 2 * BLOCKS + 2
# The output resolution that each slot acts on, in px.
SLOT_RESOLUTIONS = (4, *(8 << (slot // 2) for slot in range(2 * BLOCKS)), 1024)


def inverse_haar(x: Tensor) -> Tensor:
    """One level of the inverse 2-D Haar transform, [N, 4C, H, W] -> [N, C, 2H, 2W].

    The first C channels are the low band; the others are C groups of (lh, hl, hh).
    """
    n, c4, h, w = x.shape
    low, high = x[:, : c4 // 4], x[:, c4 // 4 :].reshape(n, c4 // 4, 3, h, w)
    lh, hl, hh = high.unbind(2)
    plus, minus = low + lh, low - lh
    both, diff = hl + hh, hl - hh
    quad = torch.stack((plus + both, plus - both, minus + diff, minus - diff), dim=2)
    return F.pixel_shuffle(quad.reshape(n, c4, h, w) * 0.5, 2)


class Modulate(nn.Linear):
    """Multiply each channel by an affine map of the style."""

    def __init__(self, channels: int) -> None:
        super().__init__(STYLE_DIM, channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Scale ``x`` [N, C, H, W] by the affine of ``style`` [N, 512]."""
        return x * self.scale(style)[:, :, None, None]

    def scale(self, style: Tensor) -> Tensor:
        """The scales [..., C] that ``style`` [..., 512] asks for."""
        return F.linear(style, self.weight, self.bias)


class StyledConv(nn.Module):
    """Modulation, 3x3 convolution (depthwise then pointwise), fixed noise, leaky ReLU.

    The noise is a constant of the trained decoder, so decoding is deterministic. Scale factors
    and the demodulation of StyleGAN2 are folded into the weights.
    """

    def __init__(self, c_in: int, c_out: int, resolution: int) -> None:
        super().__init__()
        self.modulate = Modulate(c_in)
        self.depthwise = nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False)
        self.pointwise = nn.Conv2d(c_in, c_out, 1)
        self.noise = nn.Parameter(torch.zeros(1, 1, resolution, resolution))

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        x = self.pointwise(self.depthwise(self.modulate(x, style)))
        return F.leaky_relu(x + self.noise.to(x.dtype), 0.2)


class FirstLayer(nn.Module):
    """The learned 4x4 constant through a styled full convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.zeros(1, CHANNELS[0], 4, 4))
        self.modulate = Modulate(CHANNELS[0])
        self.conv = nn.Conv2d(CHANNELS[0], CHANNELS[0], 3, padding=1)
        self.noise = nn.Parameter(torch.zeros(1, 1, 4, 4))

    def forward(self, style: Tensor) -> Tensor:
        x = self.conv(self.modulate(self.constant, style))
        return F.leaky_relu(x + self.noise.to(x.dtype), 0.2)


class Block(nn.Module):
    """Double the resolution by the inverse Haar transform, then two styled convolutions."""

    def __init__(self, c_in: int, c_out: int, resolution: int) -> None:
        super().__init__()
        self.up = Modulate(c_in)
        self.conv1 = StyledConv(c_in // 4, c_out, resolution)
        self.conv2 = StyledConv(c_out, c_out, resolution)

    def forward(self, x: Tensor, style1: Tensor, style2: Tensor) -> Tensor:
        x = inverse_haar(self.up(x, style1))
        return self.conv2(self.conv1(x, style1), style2)


class ToImage(nn.Module):
    """A styled 1x1 convolution to the four Haar bands of RGB, then the inverse transform."""

    def __init__(self, c_in: int) -> None:
        super().__init__()
        self.modulate = Modulate(c_in)
        self.conv = nn.Conv2d(c_in, 12, 1)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        return inverse_haar(self.conv(self.modulate(x, style)))


class Decoder(nn.Module):
    """Styles [N, 16, 512] -> images [N, 3, 1024, 1024], about [-1, 1] and not clamped.

    Slot 0 drives the 4 px layer, slots 1 + 2i and 2 + 2i drive block i (8 << i px), slot 15
    drives the image head.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first = FirstLayer()
        self.blocks = nn.ModuleList(
            Block(CHANNELS[i], CHANNELS[i + 1], 8 << i) for i in range(BLOCKS)
        )
        self.to_image = ToImage(CHANNELS[-1])

    def features(self, styles: Tensor, blocks: int) -> Tensor:
        """The feature map [N, CHANNELS[blocks], 4 << blocks, 4 << blocks] after ``blocks``."""
        return self.through(self.first(styles[:, 0]), styles, range(blocks))

    def through(self, features: Tensor, styles: Tensor, blocks: range) -> Tensor:
        """A feature map after some more ``blocks``."""
        x = features
        for i in blocks:
            x = self.blocks[i](x, styles[:, 1 + 2 * i], styles[:, 2 + 2 * i])
        return x

    def image(self, features: Tensor, styles: Tensor, blocks: int) -> Tensor:
        """The image that the feature map after ``blocks`` leads to."""
        x = self.through(features, styles, range(blocks, BLOCKS))
        return self.to_image(x, styles[:, SLOTS - 1])

    def forward(self, styles: Tensor) -> Tensor:
        return self.image(self.first(styles[:, 0]), styles, blocks=0)

    def affines(self) -> list[list[Modulate]]:
        """The style affines that read each slot, in slot order.

        Errors of a style are worth measuring after these maps, because only what they let
        through can reach the picture.
        """
        slots: list[list[Modulate]] = [[self.first.modulate]]
        for block in self.blocks:
            slots += [[block.up, block.conv1.modulate], [block.conv2.modulate]]
        return [*slots, [self.to_image.modulate]]
