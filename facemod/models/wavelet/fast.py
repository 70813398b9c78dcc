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
from facemod.models.wavelet.layout import (
    as_kernel,
    channels_last,
    group_order,
    grouped,
    grouped_inverse_haar,
    interleaved,
    widened,
)
from facemod.models.windows import FEATURES_SIDE, Window
from facemod.tensors.onednn import convolve

# Rows of output per band: 4 MB in float32 whatever the block, as channels halve when the side
# doubles.
BAND = 32
WHOLE = Window(0, 0, FEATURES_SIDE, FEATURES_SIDE)


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

    def image(
        self, features: Tensor, styles: Tensor, blocks: int, size: int, window: Window | None = None
    ) -> Tensor:
        """The images [N, 3, size, size] that feature maps after ``blocks`` lead to.

        Of a ``window`` there is that part alone, exact where :meth:`Window.inner` keeps it (at
        256 px, where the head looks farther, but for one pixel at its border).
        """
        painter = self.painters[size]
        at = window or WHOLE
        factor = size // FEATURES_SIDE
        images = torch.empty(len(styles), 3, at.height * factor, at.width * factor)
        for x, style, image in zip(at.of(features), styles, images, strict=True):
            x = self._through(grouped(x[None]), style, range(blocks, painter.blocks), at)
            painter.paint(x, style, image[None], at)
        return images

    def _through(
        self, x: Tensor, styles: Tensor, blocks: range, window: Window | None = None
    ) -> Tensor:
        """The map of one face after ``blocks``; maps go in and come out with grouped bands."""
        x = x.to(self.dtype)
        for i in blocks:
            block = self.blocks[i]
            out = channels_last(block.channels, 2 * x.shape[2], 2 * x.shape[3], self.dtype)
            for rows, band in block.bands(x, styles[1 + 2 * i], styles[2 + 2 * i], window):
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

    def bands(
        self, x: Tensor, style1: Tensor, style2: Tensor, window: Window | None = None
    ) -> Iterator[tuple[range, Tensor]]:
        """The rows of the output for one face's map [1, C, H, W], and the output there.

        ``window`` says which part of the face the map is of.
        """
        noise1, noise2 = (conv.noise_in(window) for conv in (self.conv1, self.conv2))
        kernel1 = self.conv1.kernel(self.modulate1.scale(style1))
        kernel2 = self.conv2.kernel(self.modulate2.scale(style2))
        for rows, near, far, doubled in self.double.bands(x, style1):
            band = F.leaky_relu_(self.conv1(doubled, kernel1, far, near, noise1), 0.2)
            yield rows, F.leaky_relu_(self.conv2(band, kernel2, near, rows, noise2), 0.2)


class FastDoubling:
    """The styled inverse Haar transform, in bands that two 3x3 convolutions can follow."""

    def __init__(self, up: Modulate, dtype: torch.dtype) -> None:
        order = group_order(up.out_features)
        # The transform's factor 1/2 goes into its scales.
        self.affine = (up.weight.detach()[order] / 2, up.bias.detach()[order] / 2)
        self.dtype = dtype

    def bands(self, x: Tensor, style: Tensor) -> Iterator[tuple[range, range, range, Tensor]]:
        """Rows, the same and one more at either end, two more, and ``x`` doubled in the last."""
        side, width = 2 * x.shape[2], 2 * x.shape[3]
        scale = F.linear(style, *self.affine).to(self.dtype)[:, None, None]
        for start in range(0, side, BAND):
            rows = range(start, min(start + BAND, side))
            near, far = widened(rows, 1, side), widened(rows, 2, side)
            band = x[:, :, far.start // 2 : far.stop // 2] * scale
            doubled = channels_last(band.shape[1] // 4, len(far), width, self.dtype)
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

    def noise_in(self, window: Window | None) -> Tensor:
        """The noise in a part of the face, or all of it."""
        assert self.noise is not None
        return self.noise if window is None else window.of(self.noise)

    def __call__(
        self, x: Tensor, kernel: Tensor, given: range, wanted: range, noise: Tensor
    ) -> Tensor:
        """``x`` holds the rows ``given``; the result the rows ``wanted``, which need those.

        ``noise`` is added to it.
        """
        x = convolve(x, kernel, None, padding=1, groups=len(kernel))
        x = x[:, :, wanted.start - given.start : wanted.stop - given.start]
        x = convolve(x, self.pointwise, self.bias)
        return x.add_(noise[:, :, wanted.start : wanted.stop])

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

    def paint(self, x: Tensor, styles: Tensor, image: Tensor, window: Window) -> None:
        """Paint one face's map [1, C, H, W] in a window into ``image`` [1, 3, 4H, 4W]."""
        scale = self.modulate.scale(styles[SLOTS - 1])[self.order]
        kernel = as_kernel(self.weight * scale[:, None, None], self.bias.dtype)
        style1, style2 = styles[1 + 2 * self.blocks], styles[2 + 2 * self.blocks]
        for rows, band in self.block.bands(x, style1, style2, window):
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

    def paint(self, x: Tensor, styles: Tensor, image: Tensor, window: Window) -> None:
        """Paint one face's map [1, C, H, W] into ``image`` [1, 3, H, W] or twice that.

        Heads have no noise, so it is all one to them which ``window`` the map is of.
        """
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
