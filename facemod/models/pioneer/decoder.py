"""The decoder of both PIONEERs: convolutions that grow one latent into an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.sphere.growing import LATENT, SLOPE, blend

EPSILON = 1e-8


class Block(nn.Module):
    """Two convolutions, each with pixel norm (PIONEER only) and leaky ReLU.

    The one at 4 px starts from the latent as a single pixel.
    """

    def __init__(self, c_in: int, c_out: int, *, first: bool, pixel_norm: bool) -> None:
        super().__init__()
        size, padding = (4, 3) if first else (3, 1)
        self.conv1 = nn.Conv2d(c_in, c_out, size, padding=padding)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, padding=1)
        self.pixel_norm = pixel_norm

    def forward(self, x: Tensor) -> Tensor:
        for conv in (self.conv1, self.conv2):
            x = conv(x)
            if self.pixel_norm:
                x = x / torch.sqrt(x.square().mean(1, keepdim=True) + EPSILON)
            x = F.leaky_relu(x, SLOPE)
        return x


class Decoder(nn.Module):
    """Latents [N, latent] on the unit sphere -> images [N, 3, R, R], not clamped.

    Args:
        widths: channels of each level from 4 px up; as many as there are levels.
        latent: numbers in the latent.
        pixel_norm: whether feature vectors are normalised (PIONEER) or not (Balanced PIONEER).
    """

    def __init__(
        self, widths: Sequence[int], latent: int = LATENT, *, pixel_norm: bool = False
    ) -> None:
        super().__init__()
        inputs = (latent, *widths[:-1])
        self.blocks = nn.ModuleList(
            Block(c_in, c_out, first=level == 0, pixel_norm=pixel_norm)
            for level, (c_in, c_out) in enumerate(zip(inputs, widths, strict=True))
        )
        self.to_rgb = nn.ModuleList(nn.Conv2d(width, 3, 1) for width in widths)

    def forward(self, latents: Tensor, level: int | None = None, fade: float = 1.0) -> Tensor:
        """Decode at ``level`` (by default the highest) to images of 4 << level px."""
        level = len(self.blocks) - 1 if level is None else level
        x = below = self.blocks[0](latents[:, :, None, None])
        for block in self.blocks[1 : level + 1]:
            below = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(below)
        images = self.to_rgb[level](x)
        if level == 0 or fade >= 1:
            return images
        return blend(self.to_rgb[level - 1](below), images, fade)

    def convolutions(self) -> list[nn.Conv2d]:
        """The convolutions that training scales or normalises, from 4 px up."""
        return [conv for block in self.blocks for conv in (block.conv1, block.conv2)]
