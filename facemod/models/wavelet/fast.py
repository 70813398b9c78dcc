"""The decoder for CPUs: the same pictures in well under half the time, in plain PyTorch.

On a CPU the large feature maps cost more for the way to memory and back than for arithmetic.
Three things change that, and none of them changes the picture beyond rounding:

* a block works through its map in bands of rows, and every band goes from the block's input to
  its output (in the last block: to the picture) while it is in the cache;
* styles are folded into the small depthwise kernels instead of multiplying whole maps;
* the Haar bands come out of the pointwise convolutions grouped (all low, all lh, all hl, all
  hh), so that the inverse transform is eight additions of contiguous channels.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.decoder import (
    BLOCKS,
    CHANNELS,
    SLOT_RESOLUTIONS,
    SLOTS,
    Block,
    Decoder,
    Modulate,
    StyledConv,
)
from facemod.models.wavelet.heads import BLOCKS_BEFORE, SLOT, Head, Heads, Separable
from facemod.tensors.onednn import convolve

# Rows of output per band: 4 MB in float32 whatever the block, as channels halve when the side
# doubles.
BAND = 32


class FastDecoder:
    """A :class:`Decoder` with its heads, for inference on a CPU.

    In bfloat16 it takes two thirds of the time, on processors that have bfloat16 instructions;
    the pictures are then about 48 dB from those in float32.
    """

    def __init__(self, decoder: Decoder, heads: Heads, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        self.first = decoder.first
        self.blocks = [FastBlock(block, dtype) for block in decoder.blocks]
        self.painters: dict[int, FastToImage | FastHead] = {
            head.size: FastHead(head, decoder, dtype) for head in heads.values()
        }
        self.painters[SLOT_RESOLUTIONS[-1]] = FastToImage(decoder, self.blocks[-1], dtype)

    def features(self, styles: Tensor, blocks: int) -> Tensor:
        """The feature map [N, CHANNELS[blocks], 4 << blocks, 4 << blocks] after ``blocks``."""
        maps = [
            self._through(grouped(self.first(style[:1])), style, range(blocks)) for style in styles
        ]
        return torch.cat([interleaved(x).float() for x in maps])

    def through(self, features: Tensor, styles: Tensor, blocks: range) -> Tensor:
        """Feature maps after some more ``blocks``."""
        maps = [
            self._through(grouped(x[None]), style, blocks)
            for x, style in zip(features, styles, strict=True)
        ]
        return torch.cat([interleaved(x).float() for x in maps])

    def image(self, features: Tensor, styles: Tensor, blocks: int, size: int) -> Tensor:
        """The images [N, 3, size, size] that feature maps after ``blocks`` lead to."""
        painter = self.painters[size]
        images = torch.empty(len(styles), 3, size, size)
        for x, style, image in zip(features, styles, images, strict=True):
            x = self._through(grouped(x[None]), style, range(blocks, painter.blocks))
            painter.paint(x, style, image[None])
        return images

    def _through(self, x: Tensor, styles: Tensor, blocks: range) -> Tensor:
        """The map of one face after ``blocks``; maps go in and come out with grouped bands."""
        x = x.to(self.dtype)
        for i in blocks:
            block = self.blocks[i]
            out = channels_last(block.channels, 2 * x.shape[2], 2 * x.shape[3], self.dtype)
            for rows, band in block.bands(x, styles[1 + 2 * i], styles[2 + 2 * i]):
                out[:, :, rows.start : rows.stop] = band
            x = out
        return x


class FastBlock:
    """A :class:`Block` that yields its output in bands."""

    def __init__(self, block: Block, dtype: torch.dtype) -> None:
        self.channels = block.conv2.pointwise.out_channels
        self.double = FastDoubling(block.up, dtype)
        self.conv1 = FastConv(block.conv1, dtype, noise=block.conv1.noise)
        self.conv2 = FastConv(
            block.conv2, dtype, group_order(self.channels), noise=block.conv2.noise
        )
        self.modulate1, self.modulate2 = block.conv1.modulate, block.conv2.modulate

    def bands(self, x: Tensor, style1: Tensor, style2: Tensor) -> Iterator[tuple[range, Tensor]]:
        """The rows of the output for one face's map [1, C, H, W], and the output there."""
        kernel1 = self.conv1.kernel(self.modulate1.scale(style1))
        kernel2 = self.conv2.kernel(self.modulate2.scale(style2))
        for rows, near, far, doubled in self.double.bands(x, style1):
            band = F.leaky_relu_(self.conv1(doubled, kernel1, far, near), 0.2)
            yield rows, F.leaky_relu_(self.conv2(band, kernel2, near, rows), 0.2)


class FastDoubling:
    """The styled inverse Haar transform, in bands that two 3x3 convolutions can follow."""

    def __init__(self, up: Modulate, dtype: torch.dtype) -> None:
        order = group_order(up.out_features)
        # The transform's factor 1/2 goes into its scales.
        self.affine = (up.weight.detach()[order] / 2, up.bias.detach()[order] / 2)
        self.dtype = dtype

    def bands(self, x: Tensor, style: Tensor) -> Iterator[tuple[range, range, range, Tensor]]:
        """Rows, the same and one more at either end, two more, and ``x`` doubled in the last."""
        side = 2 * x.shape[2]
        scale = F.linear(style, *self.affine).to(self.dtype)[:, None, None]
        for start in range(0, side, BAND):
            rows = range(start, min(start + BAND, side))
            near, far = widened(rows, 1, side), widened(rows, 2, side)
            band = x[:, :, far.start // 2 : far.stop // 2] * scale
            doubled = channels_last(band.shape[1] // 4, len(far), side, self.dtype)
            grouped_inverse_haar(band, out=doubled)
            yield rows, near, far, doubled


class FastConv:
    """A depthwise and a pointwise convolution on some rows of one face's map.

    ``order`` permutes the output channels, ``inputs`` those of the input; ``noise`` [1, 1, H, W]
    is added to the output.
    """

    def __init__(
        self,
        conv: StyledConv | Separable,
        dtype: torch.dtype,
        order: Tensor | slice = slice(None),
        noise: Tensor | None = None,
        inputs: Tensor | slice = slice(None),
    ) -> None:
        self.inputs = inputs
        self.depthwise = conv.depthwise.weight[inputs]
        self.bias = conv.pointwise.bias.detach()[order].to(dtype)
        self.pointwise = as_kernel(conv.pointwise.weight[order][:, inputs], dtype)
        self.noise = None if noise is None else noise.detach().to(dtype)

    def kernel(self, scale: Tensor) -> Tensor:
        """The depthwise kernel with the scales [C] of the input channels folded in."""
        return as_kernel(
            self.depthwise * scale[self.inputs, None, None, None], self.pointwise.dtype
        )

    def __call__(self, x: Tensor, kernel: Tensor, given: range, wanted: range) -> Tensor:
        """``x`` holds the rows ``given``; the result the rows ``wanted``, which need those."""
        x = convolve(x, kernel, None, padding=1, groups=len(kernel))
        x = x[:, :, wanted.start - given.start : wanted.stop - given.start]
        x = convolve(x, self.pointwise, self.bias)
        return x if self.noise is None else x.add_(self.noise[:, :, wanted.start : wanted.stop])

    def valid(self, x: Tensor, kernel: Tensor) -> Tensor:
        """The same without padding: a pixel less at each side."""
        x = convolve(x, kernel, None, groups=len(kernel))
        return convolve(x, self.pointwise, self.bias)


class FastToImage:
    """The last block and :class:`ToImage`; the block's output never exists as a whole map."""

    blocks = BLOCKS - 1
    """How many blocks come before."""

    def __init__(self, decoder: Decoder, block: FastBlock, dtype: torch.dtype) -> None:
        conv = decoder.to_image.conv
        out, order = (group_order(channels) for channels in conv.weight.shape[:2])
        self.block, self.order = block, order
        self.modulate = decoder.to_image.modulate
        self.weight = conv.weight.detach()[out][:, order] / 2
        self.bias = (conv.bias.detach()[out] / 2).to(dtype)

    def paint(self, x: Tensor, styles: Tensor, image: Tensor) -> None:
        """Paint one face's map [1, C, H, W] into ``image`` [1, 3, 4H, 4W]."""
        scale = self.modulate.scale(styles[SLOTS - 1])[self.order]
        kernel = as_kernel(self.weight * scale[:, None, None], self.bias.dtype)
        style1, style2 = styles[1 + 2 * self.blocks], styles[2 + 2 * self.blocks]
        for rows, band in self.block.bands(x, style1, style2):
            quads = convolve(band, kernel, self.bias).float().contiguous()
            grouped_inverse_haar(quads, out=image[:, :, 2 * rows.start : 2 * rows.stop])


class FastHead:
    """A :class:`Head`."""

    blocks = BLOCKS_BEFORE

    def __init__(self, head: Head, decoder: Decoder, dtype: torch.dtype) -> None:
        self.head, self.decoder = head, decoder
        self.double = FastDoubling(decoder.blocks[BLOCKS_BEFORE].up, dtype)
        first, *others = head.layers
        # Doubling brings the channels into the order that heads know.
        order = slice(None) if head.doubles else group_order(CHANNELS[BLOCKS_BEFORE])
        self.layers = [FastConv(first, dtype, inputs=order)]
        self.layers += [FastConv(layer, dtype) for layer in others]

    def paint(self, x: Tensor, styles: Tensor, image: Tensor) -> None:
        """Paint one face's map [1, C, H, W] into ``image`` [1, 3, H, W] or twice that."""
        border = self.head.border
        scales = self.head.of_layers(self.head.scales(self.decoder, styles[None]))
        kernels = [layer.kernel(scale[0]) for layer, scale in zip(self.layers, scales, strict=True)]
        *inner, (last, last_kernel) = zip(self.layers, kernels, strict=True)
        for rows, given, band in self._bands(x, styles[SLOT]):
            above, below = border - rows.start + given.start, border - given.stop + rows.stop
            band = F.pad(band, (border, border, above, below))
            for layer, kernel in inner:
                band = F.leaky_relu_(layer.valid(band, kernel), 0.2)
            image[:, :, rows.start : rows.stop] = last.valid(band, last_kernel)

    def _bands(self, x: Tensor, style: Tensor) -> Iterator[tuple[range, range, Tensor]]:
        """Rows of the picture, a border more, and the first layer's input there."""
        if self.head.doubles:
            for rows, _, given, doubled in self.double.bands(x, style):
                yield rows, given, doubled
            return
        side = x.shape[2]
        for start in range(0, side, BAND):
            rows = range(start, min(start + BAND, side))
            given = widened(rows, self.head.border, side)
            yield rows, given, x[:, :, given.start : given.stop]


def group_order(channels: int) -> Tensor:
    """Where among the decoder's own channels each of the grouped ones is.

    The decoder has the low band, then (lh, hl, hh) of each channel.
    """
    high = torch.arange(channels // 4, channels).view(-1, 3)
    return torch.cat((torch.arange(channels // 4), high.T.flatten()))


def grouped(x: Tensor) -> Tensor:
    """One feature map [1, C, H, W] of the decoder with the channels of each Haar band together."""
    _, channels, height, width = x.shape
    out = channels_last(channels, height, width, x.dtype)
    low, *high = out.chunk(4, dim=1)
    low.copy_(x[:, : low.shape[1]])
    for i, band in enumerate(high):
        band.copy_(x[:, low.shape[1] + i :: 3])
    return out


def interleaved(x: Tensor) -> Tensor:
    """The opposite of :func:`grouped`."""
    _, channels, height, width = x.shape
    out = channels_last(channels, height, width, x.dtype)
    low, *high = x.chunk(4, dim=1)
    out[:, : low.shape[1]] = low
    for i, band in enumerate(high):
        out[:, low.shape[1] + i :: 3] = band
    return out


def grouped_inverse_haar(x: Tensor, out: Tensor) -> None:
    """Twice the inverse Haar transform of ``x`` [1, 4C, H, W], into ``out`` [1, C, 2H, 2W]."""
    low, lh, hl, hh = x.chunk(4, dim=1)
    plus, minus, both, diff = low + lh, low - lh, hl + hh, hl - hh
    torch.add(plus, both, out=out[:, :, 0::2, 0::2])
    torch.sub(plus, both, out=out[:, :, 0::2, 1::2])
    torch.add(minus, diff, out=out[:, :, 1::2, 0::2])
    torch.sub(minus, diff, out=out[:, :, 1::2, 1::2])


def as_kernel(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """``weight`` in the type and layout that convolutions of features take."""
    return weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)


def channels_last(channels: int, rows: int, columns: int, dtype: torch.dtype) -> Tensor:
    """An empty map [1, channels, rows, columns] whose channels are contiguous."""
    return torch.empty(1, rows, columns, channels, dtype=dtype).permute(0, 3, 1, 2)


def widened(rows: range, by: int, side: int) -> range:
    """``rows`` and ``by`` more at either end, within a map of ``side`` rows."""
    return range(max(rows.start - by, 0), min(rows.stop + by, side))
