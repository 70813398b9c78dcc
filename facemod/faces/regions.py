"""The regions of an aligned face: a small segmenter, and masks that can be named.

It learnt from decoder samples whose labels came from few hand-drawn ones over the decoder's own
features, as in DatasetGAN (Zhang et al. 2021, arXiv 2104.06490); see MODEL_CARD.md.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.faces.region_names import CLASSES, REGIONS
from facemod.weights.files import loaded

RESOLUTION = 128
WIDTHS = (24, 40, 64, 96)  # channels at 64, 32, 16 and 8 px
WEIGHTS = Path(__file__).parent / "regions.safetensors"


class Separable(nn.Sequential):
    """Depthwise 3x3 and pointwise convolution, batch norm, ReLU."""

    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_in, 3, stride, 1, groups=c_in, bias=False),
            nn.Conv2d(c_in, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class Segmenter(nn.Module):
    """Aligned faces [N, 3, 128, 128] in [-1, 1] -> logits [N, 7, 128, 128]: a small U-Net."""

    def __init__(self) -> None:
        super().__init__()
        first, *rest = WIDTHS
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(12, first, 3, padding=1), nn.ReLU(inplace=True),
            Separable(first, first),
        )  # fmt: skip
        self.down = nn.ModuleList(
            nn.Sequential(Separable(a, b, 2), Separable(b, b))
            for a, b in zip(WIDTHS, rest, strict=False)
        )
        self.context = nn.Sequential(*(Separable(WIDTHS[-1], WIDTHS[-1]) for _ in range(3)))
        self.up = nn.ModuleList(
            nn.Sequential(Separable(b + a, a), Separable(a, a))
            for a, b in reversed(list(zip(WIDTHS, rest, strict=False)))
        )
        self.out = nn.Sequential(nn.Conv2d(first, 4 * len(CLASSES), 1), nn.PixelShuffle(2))

    def forward(self, faces: Tensor) -> Tensor:
        return self.out(self.pyramid(faces)[-1])

    def pyramid(self, faces: Tensor) -> list[Tensor]:
        """What is seen in faces [N, 3, 128, 128], at 8, 16, 32 and 64 px."""
        x = self.stem(faces)
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        x = self.context(x)
        maps = [x]
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = up(torch.cat((x, skip), dim=1))
            maps.append(x)
        return maps


@cache
def segmenter() -> Segmenter:
    """The bundled segmenter, on the CPU. Raises ModelError if its weights are damaged."""
    return loaded(Segmenter, WEIGHTS).eval().requires_grad_(False)


def segmenter_on(device: torch.device) -> Segmenter:
    """The bundled segmenter, there, whoever asks first, for gradients to go through.

    Raises:
        ModelError: its weights are damaged.
    """
    with torch.inference_mode(False):
        return copy.deepcopy(segmenter()).to(device)


@torch.inference_mode()
def segment(faces: Tensor) -> Tensor:
    """How likely each pixel of aligned faces belongs to each of the 7 classes.

    Faces [N, 3, S, S] in [-1, 1], S at least 128, give [N, 7, 128, 128] in 0..1.
    """
    small = F.interpolate(faces, (RESOLUTION, RESOLUTION), mode="area")
    # Seen both ways, a face gives steadier masks.
    both = segmenter()(torch.cat((small, small.flip(-1)))).softmax(1)
    straight, mirrored = both.chunk(2)
    return (straight + mirrored.flip(-1)) / 2


def region_of(likely: Tensor, names: Sequence[str]) -> Tensor:
    """The part [N, 1, H, W] of segmented faces [N, 7, H, W] that any of the regions is."""
    classes = {CLASSES.index(part) for name in names for part in REGIONS[name]}
    return likely[:, sorted(classes)].sum(1, keepdim=True)
