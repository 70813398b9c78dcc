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
from facemod.models.wavelet.details import BLOCKS_BEFORE, RESOLUTION

CROP = 16  # side of a crop of the 64 px features
MARGIN = 2  # of which so many at each border suffer from what the crop leaves out


@dataclass(frozen=True)
class Window:
    """A square of :data:`CROP` px of the 64 px features: its top left corner."""

    top: int
    left: int

    def of(self, maps: Tensor) -> Tensor:
        """This part of maps [N, C, S, S], where S is a multiple of 64."""
        k = maps.shape[-1] // RESOLUTION
        rows = slice(self.top * k, (self.top + CROP) * k)
        columns = slice(self.left * k, (self.left + CROP) * k)
        return maps[..., rows, columns]

    def inner(self, crop: Tensor) -> Tensor:
        """The part of a ``crop`` [N, C, S, S] that what lies outside cannot reach.

        The border of the whole picture has nothing outside, so it stays.
        """
        margin = MARGIN * crop.shape[-1] // CROP
        last = RESOLUTION - CROP
        rows, columns = (
            slice(margin if start > 0 else 0, -margin if start < last else None)
            for start in (self.top, self.left)
        )
        return crop[..., rows, columns]


def decode_window(decoder: Decoder, features: Tensor, styles: Tensor, window: Window) -> Tensor:
    """The 256 px part of the picture that a ``window`` of the 64 px features leads to.

    Args:
        features: the whole map [N, 512, 64, 64].
        styles: [N, 16, 512]; gradients flow to both.

    Returns:
        Images [N, 3, 256, 256], not clamped; exact where :meth:`Window.inner` keeps them.
    """

    def styled(conv: StyledConv, x: Tensor, style: Tensor) -> Tensor:
        x = conv.pointwise(conv.depthwise(conv.modulate(x, style)))
        return F.leaky_relu(x + window.of(conv.noise), 0.2)

    x = window.of(features).contiguous(memory_format=torch.channels_last)
    for i in range(BLOCKS_BEFORE, BLOCKS):
        block, first, second = decoder.blocks[i], styles[:, 1 + 2 * i], styles[:, 2 + 2 * i]
        x = styled(block.conv1, inverse_haar(block.up(x, first)), first)
        x = styled(block.conv2, x, second)
    return decoder.to_image(x, styles[:, SLOTS - 1])
