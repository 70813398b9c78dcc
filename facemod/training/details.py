"""Train the details path, with the encoder and the decoder held still.

Two kinds of faces teach it. Decoder samples have known styles, so the truth is known even
*after an edit*: the photo shows styles w, the edit adds d, and the decoder draws w + d. That is
what teaches the residual to bend with edits (cf. Pehlivan et al. 2023, who need cycles for it).
Real faces teach it real photos.

Pictures are compared on crops: the decoder's late blocks see only a few neighbours, so a crop of
its 64 px features gives a crop of the 1024 px picture at a sixteenth of the cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.errors import InputError
from facemod.models.wavelet.decoder import BLOCKS, SLOTS, Decoder, StyledConv, inverse_haar
from facemod.models.wavelet.details import BLOCKS_BEFORE, RESOLUTION

CROP = 16  # side of a crop of the 64 px features
MARGIN = 2  # of which so many at each border suffer from what the crop leaves out
ZOOM = 1024 // RESOLUTION


@dataclass(frozen=True)
class Window:
    """A square of the 64 px features: its top left corner."""

    top: int
    left: int

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

    def of(self, maps: Tensor, side: int = RESOLUTION) -> Tensor:
        """This part of maps [N, C, side, side], whose side is a multiple of 64."""
        k = side // RESOLUTION
        rows = slice(self.top * k, (self.top + CROP) * k)
        columns = slice(self.left * k, (self.left + CROP) * k)
        return maps[..., rows, columns]


def draw_window(rng: np.random.Generator) -> Window:
    """A random window; those at the border of the picture are drawn as often as others."""
    last = RESOLUTION - CROP
    top, left = np.clip(rng.integers(-MARGIN - 2, last + MARGIN + 3, 2), 0, last)
    return Window(int(top), int(left))


def late_crop(decoder: Decoder, features: Tensor, styles: Tensor, window: Window) -> Tensor:
    """The picture [N, 3, 256, 256] that a ``window`` of the 64 px features leads to.

    Its outermost ``MARGIN * ZOOM`` px differ from those of the whole picture.
    """

    def styled(conv: StyledConv, x: Tensor, style: Tensor) -> Tensor:
        x = conv.pointwise(conv.depthwise(conv.modulate(x, style)))
        return F.leaky_relu(x + window.of(conv.noise, conv.noise.shape[-1]), 0.2)

    x = window.of(features).contiguous(memory_format=torch.channels_last)
    for i in range(BLOCKS_BEFORE, BLOCKS):
        block, first, second = decoder.blocks[i], styles[:, 1 + 2 * i], styles[:, 2 + 2 * i]
        x = styled(block.conv1, inverse_haar(block.up(x, first)), first)
        x = styled(block.conv2, x, second)
    return decoder.to_image(x, styles[:, SLOTS - 1])


class DrawnFaces:
    """Decoder samples kept on disk: ``styles`` [N, 16, 512] and ``images`` [N, 256, 256, 3]."""

    def __init__(self, files: Sequence[Path]) -> None:
        try:
            parts = [np.load(file) for file in files]
            self.styles = torch.cat([torch.from_numpy(part["w"]) for part in parts])
            self.images = np.concatenate([part["img"] for part in parts])
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{files}: not drawn faces ({error})") from error

    def __len__(self) -> int:
        return len(self.styles)

    def batch(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Styles [count, 16, 512] and images [count, 3, 256, 256] in [-1, 1]."""
        chosen = rng.integers(0, len(self), count)
        images = torch.from_numpy(self.images[chosen]).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.styles[chosen].float(), images


def texture_loss(picture: Tensor, target: Tensor, levels: int = 3, cell: int = 8) -> Tensor:
    """How much the strength of fine texture differs, whatever its exact place.

    Pixel losses are content with blur where they are unsure; this one is not. Mean absolute
    difference of the local mean magnitude of each Laplacian band, in cells of ``cell`` px.
    """
    total = picture.new_zeros(())
    for _ in range(levels):
        smaller = F.avg_pool2d(picture, 2), F.avg_pool2d(target, 2)
        strengths = [
            F.avg_pool2d((x - F.interpolate(half, scale_factor=2)).abs().mean(1), cell)
            for x, half in zip((picture, target), smaller, strict=True)
        ]
        total = total + (strengths[0] - strengths[1]).abs().mean()
        picture, target = smaller
    return total / levels
