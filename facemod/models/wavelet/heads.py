"""Small heads: the picture at 256 or 512 px without the decoder's last block.

A face that covers 200 px of a photo does not need 1024. A head takes the place of the last block
and what follows: narrow separable convolutions from the block's input to RGB, at 256 px as they
are, at 512 px after the block's own inverse Haar transform. The scales that the replaced layers
make of their styles drive the narrow channels, so mixing fine slots works as ever. The fixed
noise is left out; it is 60 dB below such small pictures.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import BLOCKS, CHANNELS, SLOTS, Decoder, inverse_haar
from facemod.models.windows import Window

BLOCKS_BEFORE = BLOCKS - 1
SLOT = 1 + 2 * BLOCKS_BEFORE  # the first that the replaced block reads
# Side of the picture in px -> channels from the first convolution's input to RGB.
WIDTHS = {256: (128, 64, 64, 3), 512: (32, 24, 3)}
DOUBLED = {512}


class Scales(NamedTuple):
    """What the layers that a head replaces make of the styles."""

    up: Tensor
    """[N, 128] of the block's input."""
    first: Tensor | None
    """[N, 32] of the doubled input, as in the block; None where nothing is doubled."""
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
    """Features [N, 128, 256, 256] before the last block -> RGB."""

    def __init__(self, size: int) -> None:
        super().__init__()
        widths = WIDTHS[size]
        self.size, self.doubles = size, size in DOUBLED
        self.layers = nn.ModuleList(Separable(a, b) for a, b in pairwise(widths))
        late = CHANNELS[BLOCKS] + CHANNELS[BLOCKS]
        if not self.doubles:
            late += CHANNELS[BLOCKS_BEFORE] * 5 // 4
        self.modulates = nn.ModuleList(nn.Linear(late, width) for width in widths[1:-1])

    @property
    def border(self) -> int:
        """How many px the convolutions see beyond a pixel."""
        return len(self.layers)

    def scales(self, decoder: Decoder, styles: Tensor) -> Scales:
        """The scales for styles [N, 16, 512], by the affine maps of the replaced layers."""
        block, style = decoder.blocks[BLOCKS_BEFORE], styles[:, SLOT]
        up, first = block.up.scale(style), block.conv1.modulate.scale(style)
        late = [
            block.conv2.modulate.scale(styles[:, SLOT + 1]),
            decoder.to_image.modulate.scale(styles[:, SLOTS - 1]),
        ]
        if self.doubles:
            return Scales(up, first, torch.cat(late, dim=1))
        return Scales(up, None, torch.cat((up, first, *late), dim=1))

    def of_layers(self, scales: Scales) -> list[Tensor]:
        """The scales [N, C] of each layer's input."""
        first = scales.up if scales.first is None else scales.first
        return [first, *(modulate(scales.late) for modulate in self.modulates)]

    def forward(self, features: Tensor, scales: Scales, *, padding: int | None = None) -> Tensor:
        """Features [N, 128, H, W] -> [N, 3, H, W] or twice that; without padding a border less."""
        x = features
        if self.doubles:
            x = inverse_haar(x * scales.up[:, :, None, None])
        x = F.pad(x, (self.border if padding is None else padding,) * 4)
        *inner, last = zip(self.layers, self.of_layers(scales), strict=True)
        for layer, scale in inner:
            x = F.leaky_relu(layer(x, scale), 0.2)
        layer, scale = last
        return layer(x, scale)


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

    def image(
        self, features: Tensor, styles: Tensor, blocks: int, size: int, window: Window | None = None
    ) -> Tensor:
        """The images [N, 3, size, size] that feature maps after ``blocks`` lead to.

        Of a ``window`` there is that part alone; a GPU draws the rest as well in no time.
        """
        if str(size) in self.heads:
            head = self.heads[str(size)]
            x = self.decoder.through(features, styles, range(blocks, BLOCKS_BEFORE))
            image = head(x, head.scales(self.decoder, styles))
        else:
            image = self.decoder.image(features, styles, blocks)
        return image if window is None else window.of(image)
