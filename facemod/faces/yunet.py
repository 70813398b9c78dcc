"""YuNet, the small face detector that proposes boxes (Wu, Peng, Yu 2023, "YuNet: A Tiny
Millisecond-level Face Detector"; the 2023mar weights of the OpenCV model zoo).

It is made for faces of about 10 to 300 px: show it photos scaled down, never at native size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.tensors.onednn import Conv2d

STRIDES = (8, 16, 32)
# Per cell: face class, centre and log size of the box, objectness, five points.
CLASS, BOX, OBJECTNESS, POINTS = slice(0, 1), slice(1, 5), slice(5, 6), slice(6, 16)


def separable(c_in: int, c_out: int) -> nn.Sequential:
    """A pointwise then a depthwise 3x3 convolution."""
    return nn.Sequential(
        Conv2d(c_in, c_out, 1),
        Conv2d(c_out, c_out, 3, padding=1, groups=c_out),
    )


def unit(c_in: int, c_out: int) -> nn.Sequential:
    """A separable convolution and its activation."""
    return nn.Sequential(separable(c_in, c_out), nn.ReLU(inplace=True))


class YuNet(nn.Module):
    """Images [N, 3, H, W], **BGR** in 0..255, to one map [N, 16, H/s, W/s] per stride s."""

    def __init__(self) -> None:
        super().__init__()
        self.stride8 = nn.Sequential(
            Conv2d(3, 16, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            unit(16, 16),
            nn.MaxPool2d(2),
            unit(16, 16),
            unit(16, 32),
            unit(32, 32),
            unit(32, 64),
            nn.MaxPool2d(2),
            unit(64, 64),
            unit(64, 64),
        )
        self.stride16 = nn.Sequential(nn.MaxPool2d(2), unit(64, 64), unit(64, 64))
        self.stride32 = nn.Sequential(nn.MaxPool2d(2), unit(64, 64), unit(64, 64))
        self.merge32 = unit(64, 64)
        self.merge16 = unit(64, 64)
        self.merge8 = unit(64, 64)
        self.heads = nn.ModuleList(separable(64, 16) for _ in STRIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """H and W must be multiples of 32."""
        x8 = self.stride8(x)
        x16 = self.stride16(x8)
        x32 = self.merge32(self.stride32(x16))
        x16 = self.merge16(x16 + F.interpolate(x32, scale_factor=2.0))
        x8 = self.merge8(x8 + F.interpolate(x16, scale_factor=2.0))
        return tuple(head(x) for head, x in zip(self.heads, (x8, x16, x32), strict=True))


def propose(maps: tuple[Tensor, ...], threshold: float) -> tuple[Tensor, Tensor]:
    """Faces of a batch whose score reaches ``threshold``, before suppression.

    Returns the image [K] that each is in, and [K, 15]: box x1 y1 x2 y2, score in 0..1, then x y of
    image-left eye, image-right eye, nose, image-left and image-right mouth corner; all in pixels
    of the input.
    """
    found = [_decode(cells, step, threshold) for cells, step in zip(maps, STRIDES, strict=True)]
    images, faces = zip(*found, strict=True)
    return torch.cat(images), torch.cat(faces)


def _decode(cells: Tensor, stride: int, threshold: float) -> tuple[Tensor, Tensor]:
    """The same for one map [N, 16, H, W]."""
    score = (cells[:, CLASS].sigmoid() * cells[:, OBJECTNESS].sigmoid()).sqrt()[:, 0]
    image, row, column = torch.where(score >= threshold)
    cell = cells[image, :, row, column]
    corner = torch.stack((column, row), dim=1).to(cells.dtype)
    centre, half = (corner + cell[:, BOX][:, :2]) * stride, cell[:, BOX][:, 2:].exp() * (stride / 2)
    points = (cell[:, POINTS] + corner.repeat(1, 5)) * stride
    scores = score[image, row, column][:, None]
    return image, torch.cat((centre - half, centre + half, scores, points), dim=1)
