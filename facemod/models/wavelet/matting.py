"""People and background, read off the decoder's own features.

What the decoder draws, it knows: a small head on its 128 px features tells the person (face,
hair, neck, clothes) from the background, in decoded photos as in edits, as in DatasetGAN (Zhang
et al. 2021, arXiv 2104.06490). See MODEL_CARD.md for what it learnt from.
"""

from __future__ import annotations

from pathlib import Path

import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import CHANNELS

WEIGHTS = Path(__file__).parent / "matting.safetensors"
# The block whose output it reads, and the side of that in px.
BLOCKS_READ, SIDE = 5, 128
WIDTH = 32
# Side of the map on which it looks at larger surroundings.
CONTEXT = 32


class MattingHead(nn.Module):
    """Features [N, 256, 128, 128] after 5 blocks -> logits [N, 1, 128, 128] of the person."""

    def __init__(self) -> None:
        super().__init__()
        channels = CHANNELS[BLOCKS_READ]
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.narrow = nn.Conv2d(channels, WIDTH, 1)
        self.context = nn.ModuleList(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=reach, dilation=reach) for reach in (1, 2, 4)
        )
        self.near = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.out = nn.Conv2d(WIDTH, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        x = F.relu(self.narrow(self.norm(features)))
        around = F.avg_pool2d(x, SIDE // CONTEXT)
        for layer in self.context:
            around = around + F.relu(layer(around))
        around = F.interpolate(around, (SIDE, SIDE), mode="bilinear", align_corners=False)
        return self.out(x + F.relu(self.near(x + around)))
