"""Parts of the decoder's picture, at a part of the cost.

The late blocks of the decoder see only a few neighbours, so a crop of its 64 px features gives a
crop of the 1024 px picture at a sixteenth of the cost. Everything that needs gradients through
the decoder (training, adapting, painting) walks over such crops.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.decoder import BLOCKS, SLOTS, Decoder, StyledConv, inverse_haar
from facemod.models.wavelet.details import BLOCKS_BEFORE, DetailDecoder
from facemod.models.windows import CROP, Window

DETAIL_REACH = 5  # neighbours that the detail decoder looks at


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
