"""Parts of the decoder's picture, at a part of the cost.

The late blocks of the decoder see only a few neighbours, so a crop of its 64 px features gives a
crop of the 1024 px picture at a sixteenth of the cost. Everything that needs gradients through
the decoder (training, adapting, painting) walks over such crops.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.decoder import BLOCKS, SLOTS, Decoder, StyledConv, inverse_haar
from facemod.models.wavelet.details import BLOCKS_BEFORE, RESOLUTION, DetailDecoder

CROP = 16  # side of a crop of the 64 px features
MARGIN = 2  # of which so many at each border suffer from what the crop leaves out
DETAIL_REACH = 5  # neighbours that the detail decoder looks at


@dataclass(frozen=True)
class Window:
    """A rectangle of the 64 px features: its top left corner and its sides."""

    top: int
    left: int
    height: int = CROP
    width: int = CROP

    def of(self, maps: Tensor) -> Tensor:
        """This part of maps [N, C, S, S], where S is a multiple of 64."""
        k = maps.shape[-1] // RESOLUTION
        rows = slice(self.top * k, (self.top + self.height) * k)
        columns = slice(self.left * k, (self.left + self.width) * k)
        return maps[..., rows, columns]

    def inner(self, crop: Tensor) -> Tensor:
        """The part of a ``crop`` [N, C, k height, k width] that what lies outside cannot reach.

        The border of the whole picture has nothing outside, so it stays.
        """
        margin = MARGIN * crop.shape[-1] // self.width
        rows, columns = (
            slice(margin if start > 0 else 0, -margin if start + size < RESOLUTION else None)
            for start, size in ((self.top, self.height), (self.left, self.width))
        )
        return crop[..., rows, columns]


def window_around(mask: Tensor) -> Window:
    """The smallest window whose inner part covers a mask [64, 64] that is not empty."""
    (top, bottom), (left, right) = (
        (max(0, int(at.min()) - MARGIN), min(RESOLUTION, int(at.max()) + MARGIN + 1))
        for at in torch.nonzero(mask, as_tuple=True)
    )
    return Window(top, left, bottom - top, right - left)


def decode_window(decoder: Decoder, features: Tensor, styles: Tensor, window: Window) -> Tensor:
    """The part of the picture, 16 px for each of the ``window`` of the 64 px features.

    Args:
        features: the whole map [N, 512, 64, 64].
        styles: [N, 16, 512]; gradients flow to both.

    Returns:
        Images [N, 3, 16 height, 16 width], not clamped; exact where :meth:`Window.inner` keeps
        them.
    """
    return decode_crop(decoder, window.of(features), styles, window)


def decode_crop(
    decoder: Decoder, crop: Tensor, styles: Tensor, window: Window, fine: Tensor | None = None
) -> Tensor:
    """As :func:`decode_window`, from the ``window`` of the features alone, [N, 512, 16, 16].

    ``fine`` [N, 256, 32, 32] is added to the features at 128 px.
    """

    def styled(conv: StyledConv, x: Tensor, style: Tensor) -> Tensor:
        x = conv.pointwise(conv.depthwise(conv.modulate(x, style)))
        return F.leaky_relu(x + window.of(conv.noise), 0.2)

    x = crop.contiguous(memory_format=torch.channels_last)
    for i in range(BLOCKS_BEFORE, BLOCKS):
        block, first, second = decoder.blocks[i], styles[:, 1 + 2 * i], styles[:, 2 + 2 * i]
        x = styled(block.conv1, inverse_haar(block.up(x, first)), first)
        x = styled(block.conv2, x, second)
        if i == BLOCKS_BEFORE and fine is not None:
            x = x + fine
    return decoder.to_image(x, styles[:, SLOTS - 1])


def detail_crop(decoder: DetailDecoder, maps: Tensor, features: Tensor, window: Window) -> Tensor:
    """The residual [N, 512, 16, 16] that maps [N, 24, 64, 64] add to unedited features there."""
    corner = (window.top, window.left)
    rows, columns = (slice(max(0, i - DETAIL_REACH), i + CROP + DETAIL_REACH) for i in corner)
    residual = decoder(maps[..., rows, columns], features[..., rows, columns])
    top, left = (i - part.start for i, part in zip(corner, (rows, columns), strict=True))
    return residual[..., top : top + CROP, left : left + CROP]
