"""The encoder: an aligned face at 128 px -> 16 styles of 512 numbers.

A residual trunk makes a pyramid of feature maps; each range of scales reads its own level:
coarse slots (pose, face shape) the 4 px map, middle slots the 8 px map, fine slots (colour,
texture) the 16 px map, in the spirit of pSp (Richardson et al. 2021).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM

RESOLUTION = 128
WIDTHS = (48, 96, 160, 224, 256)  # channels at 64, 32, 16, 8 and 4 px
DEPTHS = (1, 2, 3, 2, 1)  # residual blocks at each of them
HEAD_WIDTH = 272
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


class Head(nn.Module):
    """One pyramid level -> ``outputs`` numbers, seeing the whole map at 4 px."""

    def __init__(self, c_in: int, pool: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = nn.Sequential(
            nn.Conv2d(c_in, 96, 1, bias=False), nn.BatchNorm2d(96), nn.ReLU(inplace=True)
        )
        self.pool = nn.AvgPool2d(pool)
        self.mix = nn.Sequential(nn.Linear(96 * 16, HEAD_WIDTH), nn.ReLU(inplace=True))
        self.out = nn.Linear(HEAD_WIDTH, outputs)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.mix(self.pool(self.squeeze(x)).flatten(1)))


class Encoder(nn.Module):
    """Faces [N, 3, 128, 128] in [-1, 1] -> styles [N, 16, 512].

    One style for all slots comes first and each slot's offset from it second (Tov et al. 2021):
    codes stay close to those that the mapping network makes, where edits work best. Both are
    coordinates along the principal axes of w, ``basis``, in standard deviations.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, *WIDTHS)
        self.levels = nn.ModuleList(
            Level(c_in, c_out, depth)
            for c_in, c_out, depth in zip(widths, WIDTHS, DEPTHS, strict=False)
        )
        self.shared = Head(WIDTHS[-1], 1, STYLE_DIM)
        self.heads = nn.ModuleList(
            Head(WIDTHS[level], pool, len(slots) * STYLE_DIM) for slots, level, pool in HEADS
        )
        self.register_buffer("mean", torch.zeros(STYLE_DIM))
        # On the CPU: without numbers (device meta), eye alone would import half of torch.
        self.register_buffer("basis", torch.eye(STYLE_DIM, device="cpu"))

    def set_prior(self, styles: Tensor) -> None:
        """Take the mean and the principal axes from draws [M, 512] of the mapping network."""
        self.mean.copy_(styles.mean(0))
        _, sizes, axes = torch.linalg.svd(styles - self.mean, full_matrices=False)
        self.basis.copy_(sizes[:, None] / len(styles) ** 0.5 * axes)

    def forward(self, faces: Tensor) -> Tensor:
        pyramid = []
        for level in self.levels:
            faces = level(faces)
            pyramid.append(faces)
        offsets = [
            head(pyramid[level]) for head, (_, level, _) in zip(self.heads, HEADS, strict=True)
        ]
        slots = torch.cat(offsets, dim=1).unflatten(1, (SLOTS, STYLE_DIM))
        return self.mean + (self.shared(pyramid[-1])[:, None] + slots) @ self.basis
