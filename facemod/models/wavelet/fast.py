"""The decoder for CPUs: the same pictures in about a fifth of the time, in plain PyTorch.

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

from facemod.models.wavelet.decoder import BLOCKS, SLOTS, Block, Decoder, StyledConv, ToImage

# Rows of output per band: 4 MB in float32 whatever the block, as channels halve when the side
# doubles.
BAND = 32


class FastDecoder:
    """A :class:`Decoder` for inference on a CPU.

    In bfloat16 it takes two thirds of the time, on processors that have bfloat16 instructions;
    the pictures are then about 48 dB from those in float32.
    """

    def __init__(self, decoder: Decoder, dtype: torch.dtype = torch.float32) -> None:
        self.dtype = dtype
        self.first = decoder.first
        self.blocks = [FastBlock(block, dtype) for block in decoder.blocks]
        self.to_image = FastToImage(decoder.to_image, dtype)

    def __call__(self, styles: Tensor) -> Tensor:
        """Styles [N, 16, 512] -> images [N, 3, 1024, 1024], about [-1, 1] and not clamped."""
        return self.image(self.features(styles, 0), styles, 0)

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

    def image(self, features: Tensor, styles: Tensor, blocks: int) -> Tensor:
        """The images [N, 3, 1024, 1024] that feature maps after ``blocks`` lead to."""
        return torch.cat(
            [
                self._painted(grouped(x[None]), style, range(blocks, BLOCKS))
                for x, style in zip(features, styles, strict=True)
            ]
        )

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

    def _painted(self, x: Tensor, styles: Tensor, blocks: range) -> Tensor:
        """The image of one face; the last of ``blocks`` never exists as a whole map."""
        last = blocks[-1]
        x = self._through(x, styles, blocks[:-1])
        image = torch.empty(1, 3, 4 * x.shape[2], 4 * x.shape[3])
        kernel = self.to_image.kernel(styles[SLOTS - 1])
        for rows, band in self.blocks[last].bands(x, styles[1 + 2 * last], styles[2 + 2 * last]):
            self.to_image(band, kernel, out=image[:, :, 2 * rows.start : 2 * rows.stop])
        return image


class FastBlock:
    """A :class:`Block` that yields its output in bands."""

    def __init__(self, block: Block, dtype: torch.dtype) -> None:
        self.dtype = dtype
        self.channels = block.conv2.pointwise.out_channels
        order = group_order(block.up.out_features)
        # The inverse transform's factor 1/2 goes into its scales.
        self.up = (block.up.weight.detach()[order] / 2, block.up.bias.detach()[order] / 2)
        self.conv1 = FastConv(block.conv1, torch.arange(self.channels), dtype)
        self.conv2 = FastConv(block.conv2, group_order(self.channels), dtype)

    def bands(self, x: Tensor, style1: Tensor, style2: Tensor) -> Iterator[tuple[range, Tensor]]:
        """The rows of the output for one face's map [1, C, H, W], and the output there."""
        side = 2 * x.shape[2]
        scale = F.linear(style1, *self.up).to(self.dtype)[:, None, None]
        kernel1, kernel2 = self.conv1.kernel(style1), self.conv2.kernel(style2)
        for start in range(0, side, BAND):
            rows = range(start, min(start + BAND, side))
            near, far = widened(rows, 1, side), widened(rows, 2, side)
            band = x[:, :, far.start // 2 : far.stop // 2] * scale
            doubled = channels_last(band.shape[1] // 4, len(far), side, self.dtype)
            grouped_inverse_haar(band, out=doubled)
            band = self.conv1(doubled, kernel1, far, near)
            yield rows, self.conv2(band, kernel2, near, rows)


class FastConv:
    """A :class:`StyledConv` on some rows of one face's map, writing channels in ``order``."""

    def __init__(self, conv: StyledConv, order: Tensor, dtype: torch.dtype) -> None:
        self.modulate, self.depthwise = conv.modulate, conv.depthwise.weight
        self.noise = conv.noise.detach().to(dtype)
        self.bias = conv.pointwise.bias.detach()[order].to(dtype)
        self.pointwise = as_kernel(conv.pointwise.weight[order], dtype)

    def kernel(self, style: Tensor) -> Tensor:
        """The depthwise kernel with ``style`` [512] folded in."""
        scale = F.linear(style, self.modulate.weight, self.modulate.bias)
        return as_kernel(self.depthwise * scale[:, None, None, None], self.pointwise.dtype)

    def __call__(self, x: Tensor, kernel: Tensor, given: range, wanted: range) -> Tensor:
        """``x`` holds the rows ``given``; the result the rows ``wanted``, which need those."""
        x = convolve(x, kernel, None, padding=1, groups=len(kernel))
        x = x[:, :, wanted.start - given.start : wanted.stop - given.start]
        x = convolve(x, self.pointwise, self.bias)
        x += self.noise[:, :, wanted.start : wanted.stop]
        return F.leaky_relu_(x, 0.2)


class FastToImage:
    """A :class:`ToImage` that writes bands of one face's picture."""

    def __init__(self, to_image: ToImage, dtype: torch.dtype) -> None:
        out, order = (group_order(channels) for channels in to_image.conv.weight.shape[:2])
        modulate, conv = to_image.modulate, to_image.conv
        self.modulate = (modulate.weight.detach()[order], modulate.bias.detach()[order])
        self.weight = conv.weight.detach()[out][:, order] / 2
        self.bias = (conv.bias.detach()[out] / 2).to(dtype)

    def kernel(self, style: Tensor) -> Tensor:
        """The 1x1 kernel with ``style`` [512] folded in."""
        scale = F.linear(style, *self.modulate)
        return as_kernel(self.weight * scale[:, None, None], self.bias.dtype)

    def __call__(self, x: Tensor, kernel: Tensor, out: Tensor) -> None:
        """Paint a band of features [1, C, h, w] into ``out`` [1, 3, 2h, 2w]."""
        bands = convolve(x, kernel, self.bias).float()
        grouped_inverse_haar(bands.contiguous(), out)


def group_order(channels: int) -> Tensor:
    """Where among the decoder's own channels each of the grouped ones is.

    The decoder has the low band, then (lh, hl, hh) of each channel.
    """
    high = torch.arange(channels // 4, channels).view(-1, 3)
    return torch.cat((torch.arange(channels // 4), high.T.flatten()))


def grouped(x: Tensor) -> Tensor:
    """One feature map [1, C, H, W] of the decoder with the channels of each Haar band together."""
    out = channels_last(*x.shape[1:], x.dtype)
    low, *high = out.chunk(4, dim=1)
    low.copy_(x[:, : low.shape[1]])
    for i, band in enumerate(high):
        band.copy_(x[:, low.shape[1] + i :: 3])
    return out


def interleaved(x: Tensor) -> Tensor:
    """The opposite of :func:`grouped`."""
    out = channels_last(*x.shape[1:], x.dtype)
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


def convolve(
    x: Tensor, kernel: Tensor, bias: Tensor | None, *, padding: int = 0, groups: int = 1
) -> Tensor:
    """A convolution by oneDNN where torch has it.

    Left to itself, torch takes a slower way for 1x1 kernels on a single image and thread.
    """
    if not torch.backends.mkldnn.is_available():
        return F.conv2d(x, kernel, bias, padding=padding, groups=groups)
    pair = [padding, padding]
    return torch.mkldnn_convolution(x, kernel, bias, pair, [1, 1], [1, 1], groups)


def as_kernel(weight: Tensor, dtype: torch.dtype) -> Tensor:
    """``weight`` in the type and layout that convolutions of features take."""
    return weight.detach().to(dtype).contiguous(memory_format=torch.channels_last)


def channels_last(channels: int, rows: int, columns: int, dtype: torch.dtype) -> Tensor:
    """An empty map [1, channels, rows, columns] whose channels are contiguous."""
    return torch.empty(1, rows, columns, channels, dtype=dtype).permute(0, 3, 1, 2)


def widened(rows: range, by: int, side: int) -> range:
    """``rows`` and ``by`` more at either end, within a map of ``side`` rows."""
    return range(max(rows.start - by, 0), min(rows.stop + by, side))
