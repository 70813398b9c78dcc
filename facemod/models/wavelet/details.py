"""The details path: what 16 styles cannot hold, as a small map beside them.

Sixteen styles describe a face that the decoder can draw; they do not hold this very eyelid, this
earring, this hat. A map of 24 channels at 64 px keeps them, in the spirit of feature-space
inversion (Yao et al. 2022, FeatureStyle; Pehlivan et al. 2023, StyleRes): when faces are
decoded, it becomes a residual that is added to the decoder's 64 px features. Where an edit
changes those features, the residual gives way: what it corrects is no longer there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import CHANNELS

INPUT_RESOLUTION = 256
RESOLUTION = 64
BLOCKS_BEFORE = 4  # decoder blocks before the residual is added
SHAPING = 1 + 2 * BLOCKS_BEFORE
"""So many early slots shape the 64 px features, and with them the face."""
MAP_CHANNELS = 24
WIDTH = 64
LOOK = 32  # channels of the squeezed decoder features
AROUND, STEEPNESS = 4, 4.0  # of how the residual gives way to edits


class SeparableResidual(nn.Module):
    """x + two depthwise separable 3x3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.LeakyReLU(0.2),
                nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
                nn.Conv2d(channels, channels, 1),
            ]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class DetailEncoder(nn.Sequential):
    """Faces [N, 3, 256, 256] in [-1, 1] -> maps [N, 24, 64, 64]."""

    def __init__(self) -> None:
        super().__init__(
            nn.PixelUnshuffle(INPUT_RESOLUTION // RESOLUTION),
            nn.Conv2d(3 * (INPUT_RESOLUTION // RESOLUTION) ** 2, WIDTH, 3, padding=1),
            SeparableResidual(WIDTH),
            SeparableResidual(WIDTH),
            nn.Conv2d(WIDTH, MAP_CHANNELS, 1),
        )


class DetailDecoder(nn.Module):
    """Maps and the decoder's features of the same photo -> residual [N, 512, 64, 64]."""

    def __init__(self) -> None:
        super().__init__()
        features = CHANNELS[BLOCKS_BEFORE]
        self.look = nn.Conv2d(features, LOOK, 1)
        self.body = nn.Sequential(
            nn.Conv2d(MAP_CHANNELS + LOOK, WIDTH, 3, padding=1),
            SeparableResidual(WIDTH),
            SeparableResidual(WIDTH),
        )
        self.out = nn.Conv2d(WIDTH, features, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, maps: Tensor, features: Tensor) -> Tensor:
        return self.out(self.body(torch.cat((maps, self.look(features)), dim=1)))


def untouched(before: Tensor, after: Tensor, yielding: Tensor | None = None) -> Tensor:
    """Where an edit leaves the features [N, C, S, S] as they were: [N, 1, S, S], 1 there.

    Near 0 where they become something else. Features have a variance of about 1. A residual
    that gives way smoothly leaves neither the old mouth behind the new one nor, as learned
    compromises between the two do, a blur. ``yielding`` [N] makes it do so sooner.
    """
    change = (after - before).square().mean(1, keepdim=True)
    around = F.avg_pool2d(change, 2 * AROUND + 1, 1, AROUND, count_include_pad=False)
    if yielding is not None:
        around = around * yielding[:, None, None, None]
    return torch.exp(-STEEPNESS * around)


class DetailPath(nn.Module):
    """Both halves, stored as one weight file."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = DetailEncoder()
        self.decoder = DetailDecoder()

    def encode(self, faces: Tensor) -> Tensor:
        """Faces [N, 3, S, S] in [-1, 1] -> maps [N, 24, 64, 64]."""
        side = INPUT_RESOLUTION
        if faces.shape[-1] > side:
            faces = F.interpolate(faces, (side, side), mode="area")
        elif faces.shape[-1] < side:
            faces = F.interpolate(faces, (side, side), mode="bicubic", align_corners=False)
        return self.encoder(faces)

    def residual(
        self, maps: Tensor, before: Tensor, after: Tensor, yielding: Tensor | None = None
    ) -> Tensor:
        """What the maps add to the features ``after`` an edit [N, 512, 64, 64].

        ``before`` are the features of the styles that the maps were encoded with; ``yielding`` is
        as in :func:`untouched`.
        """
        residual = self.decoder(maps, before)
        return residual if after is before else residual * untouched(before, after, yielding)
