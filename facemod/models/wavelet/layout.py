"""How the decoder for CPUs lays out its maps: channels last, those of each Haar band together."""

from __future__ import annotations

import torch
from torch import Tensor


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
