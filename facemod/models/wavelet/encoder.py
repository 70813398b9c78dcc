"""The encoder: an aligned face at 128 px -> 16 styles of 512 numbers.

A residual trunk makes a pyramid of feature maps; each range of scales reads its own level:
coarse slots (pose, face shape) the 4 px map, middle slots the 8 px map, fine slots (colour,
texture) the 16 px map, in the spirit of pSp (Richardson et al. 2021). Styles are predicted as
offsets from the mean style.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM

RESOLUTION = 128
WIDTHS = (48, 96, 160, 224, 256)  # channels at 64, 32, 16, 8 and 4 px
DEPTHS = (1, 2, 3, 2, 1)  # residual blocks at each of them
HEAD_WIDTH = 320
# (slots, index of the pyramid level they read, pooling that brings the level to 4 px)
HEADS = ((range(3), 4, 1), (range(3, 9), 3, 2), (range(9, SLOTS), 2, 4))


def conv(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution and batch normalisation."""
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False), nn.BatchNorm2d(c_out)
    )


class Residual(nn.Module):
    """x + conv(relu(conv(x))), then ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels), nn.ReLU(inplace=True), conv(channels, channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.body(x))


class Level(nn.Sequential):
    """Halve the resolution, then ``depth`` residual blocks."""

    def __init__(self, c_in: int, c_out: int, depth: int) -> None:
        blocks = [Residual(c_out) for _ in range(depth)]
        super().__init__(conv(c_in, c_out, stride=2), nn.ReLU(inplace=True), *blocks)


class StyleHead(nn.Module):
    """One pyramid level -> the styles of a range of slots, [N, slots, 512]."""

    def __init__(self, c_in: int, slots: int, pool: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(
            nn.Conv2d(c_in, 96, 1, bias=False), nn.BatchNorm2d(96), nn.ReLU(inplace=True)
        )
        self.pool = nn.AvgPool2d(pool)
        self.mix = nn.Sequential(nn.Linear(96 * 16, HEAD_WIDTH), nn.ReLU(inplace=True))
        self.styles = nn.Linear(HEAD_WIDTH, slots * STYLE_DIM)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.mix(self.pool(self.squeeze(x)).flatten(1))
        return self.styles(hidden).unflatten(1, (-1, STYLE_DIM))


class Encoder(nn.Module):
    """Faces [N, 3, 128, 128] in [-1, 1] -> styles [N, 16, 512]."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        self.levels = nn.ModuleList(
            Level(c_in, c_out, depth)
            for c_in, c_out, depth in zip(widths, WIDTHS, DEPTHS, strict=False)
        )
        self.heads = nn.ModuleList(
            StyleHead(WIDTHS[level], len(slots), pool) for slots, level, pool in HEADS
        )
        self.register_buffer("mean", torch.zeros(STYLE_DIM))

    def forward(self, faces: Tensor) -> Tensor:
        pyramid = []
        for level in self.levels:
            faces = level(faces)
            pyramid.append(faces)
        styles = [head(pyramid[h[1]]) for head, h in zip(self.heads, HEADS, strict=True)]
        return self.mean + torch.cat(styles, dim=1)
