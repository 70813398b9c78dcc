"""Small heads: the picture at 256 or 512 px without the decoder's last blocks.

A face that covers 200 px of a photo does not need 1024. A head takes the place of everything
from one block on: that block's own inverse Haar transform and first scales, a narrow separable
convolution, and a second one to RGB at the block's resolution. The scales that the replaced
layers make of their styles drive the narrow channels, so mixing fine slots works as ever.
The fixed noise is left out; it is 60 dB below such small pictures.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import BLOCKS, CHANNELS, Decoder, inverse_haar

# Side of the picture in px -> the decoder blocks before its head, and the head's width.
BLOCKS_BEFORE = {256: 5, 512: 6}
BORDER = 2  # px that the two convolutions see beyond a pixel
WIDTHS = {256: 128, 512: 24}


class Scales(NamedTuple):
    """What the layers that a head replaces make of the styles."""

    up: Tensor
    """[N, C] of the inverse Haar transform's input, as in the block."""
    first: Tensor
    """[N, C / 4] of the first convolution, as in the block."""
    late: Tensor
    """[N, L] of all layers after it."""


class Separable(nn.Module):
    """Depthwise 3x3, then pointwise convolution."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(c_in, c_in, 3, groups=c_in, bias=False)
        self.pointwise = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """``x`` [N, C, H, W] with its channels scaled by ``scale`` [N, C] first; no padding."""
        return self.pointwise(self.depthwise(x * scale[:, :, None, None]))


class Head(nn.Module):
    """Features before a block -> RGB at the resolution that the block would have."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.blocks = BLOCKS_BEFORE[size]
        channels, width = CHANNELS[self.blocks] // 4, WIDTHS[size]
        self.conv1 = Separable(channels, width)
        self.modulate = nn.Linear(late_width(self.blocks), width)
        self.conv2 = Separable(width, 3)

    def scales(self, decoder: Decoder, styles: Tensor) -> Scales:
        """The scales for styles [N, 16, 512], by the affine maps of the replaced layers."""
        slot = 1 + 2 * self.blocks
        late = [
            affine.scale(styles[:, i])
            for i, affines in enumerate(decoder.affines())
            for affine in affines
            if i > slot
        ]
        block, style = decoder.blocks[self.blocks], styles[:, slot]
        return Scales(
            block.up.scale(style), block.conv1.modulate.scale(style), torch.cat(late, dim=1)
        )

    def forward(self, features: Tensor, scales: Scales, *, padding: int = BORDER) -> Tensor:
        """Features [N, C, H, W] -> [N, 3, 2H, 2W]; without padding two px less at each side."""
        x = F.pad(inverse_haar(features * scales.up[:, :, None, None]), (padding,) * 4)
        x = F.leaky_relu(self.conv1(x, scales.first), 0.2)
        return self.conv2(x, self.modulate(scales.late))


class Heads(nn.ModuleDict):
    """The heads by the side of their pictures in px, stored as one weight file."""

    def __init__(self) -> None:
        super().__init__({str(size): Head(size) for size in WIDTHS})


class Painter:
    """A decoder with its heads, on any device."""

    def __init__(self, decoder: Decoder, heads: Heads) -> None:
        self.decoder, self.heads = decoder, heads

    def features(self, styles: Tensor, blocks: int) -> Tensor:
        """What :meth:`Decoder.features` gives."""
        return self.decoder.features(styles, blocks)

    def through(self, features: Tensor, styles: Tensor, blocks: range) -> Tensor:
        """What :meth:`Decoder.through` gives."""
        return self.decoder.through(features, styles, blocks)

    def image(self, features: Tensor, styles: Tensor, blocks: int, size: int) -> Tensor:
        """The images [N, 3, size, size] that feature maps after ``blocks`` lead to."""
        if str(size) not in self.heads:
            return self.decoder.image(features, styles, blocks)
        head = self.heads[str(size)]
        x = self.decoder.through(features, styles, range(blocks, head.blocks))
        return head(x, head.scales(self.decoder, styles))


def late_width(blocks: int) -> int:
    """How many scales the layers make that come after the first convolution of a block."""
    later = sum(CHANNELS[i] * 5 // 4 + CHANNELS[i + 1] for i in range(blocks + 1, BLOCKS))
    return CHANNELS[blocks + 1] + later + CHANNELS[-1]
