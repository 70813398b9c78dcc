"""How much one aligned face looks like another: a small identity network of our own.

It reads feature maps of the bundled encoder, which had to learn what makes a face this face, and
was taught to agree with a face-recognition network that cannot be shipped
(:mod:`facemod.training.bundled.likeness`). Its blocks are MobileFaceNet's (Chen et al. 2018).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet import encoder as encoders
from facemod.weights.files import loaded

WEIGHTS = Path(__file__).parent / "likeness.safetensors"
ENCODER = Path(encoders.__file__).parent / "encoder.safetensors"
LEVELS = (2, 3)  # of the encoder's pyramid, at 16 and 8 px
# The face within maps of 8 px.
ROWS, COLUMNS = slice(1, 8), slice(1, 7)
CHANNELS, TOP, DIM = (64, 96), 160, 128


class ConvBlock(nn.Module):
    """Convolution, batch norm and, unless ``linear``, PReLU."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int = 0,
        *,
        depthwise: bool = False,
        linear: bool = False,
    ) -> None:
        super().__init__()
        groups = c_in if depthwise else 1
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)
        self.prelu = nn.Identity() if linear else nn.PReLU(c_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.prelu(self.bn(self.conv(x)))


class Bottleneck(nn.Module):
    """Inverted residual: expand, depthwise 3x3, project."""

    def __init__(self, c_in: int, c_out: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = c_in * expansion
        self.residual = stride == 1 and c_in == c_out
        self.conv = nn.Sequential(
            nn.Conv2d(c_in, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.PReLU(wide),
            nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False),
            nn.BatchNorm2d(wide), nn.PReLU(wide),
            nn.Conv2d(wide, c_out, 1, bias=False), nn.BatchNorm2d(c_out),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class FaceFeatures(nn.Module):
    """FFHQ squares [N, 3, S, S] in [-1, 1] -> the face in the encoder's maps at 16 and 8 px."""

    def __init__(self, encoder: encoders.Encoder) -> None:
        super().__init__()
        self.levels = encoder.levels[: LEVELS[-1] + 1]

    def forward(self, faces: Tensor) -> tuple[Tensor, ...]:
        """[N, 160, 14, 12] and [N, 224, 7, 6]."""
        side = (encoders.RESOLUTION, encoders.RESOLUTION)
        maps = [F.interpolate(faces, side, mode="area")]
        for level in self.levels:
            maps.append(level(maps[-1]))
        return tuple(face_in(maps[1 + level]) for level in LEVELS)


def face_in(maps: Tensor) -> Tensor:
    """The face in feature maps [N, C, S, S] of FFHQ squares."""
    unit = maps.shape[-1] // 8
    rows, columns = (slice(unit * part.start, unit * part.stop) for part in (ROWS, COLUMNS))
    return maps[..., rows, columns]


class LikenessHead(nn.Module):
    """What :class:`FaceFeatures` gives -> unit embeddings [N, 128]."""

    def __init__(self) -> None:
        super().__init__()
        middle, late = CHANNELS
        widths = [encoders.WIDTHS[level] for level in LEVELS]
        self.middle = ConvBlock(widths[0], middle, 1)
        self.down = nn.Sequential(Bottleneck(middle, middle, 1, 2), Bottleneck(middle, late, 2, 2))
        self.late = ConvBlock(widths[1], late, 1, linear=True)
        self.blocks = nn.Sequential(nn.PReLU(late), Bottleneck(late, late, 1, 2))
        self.top = ConvBlock(late, TOP, 1)
        self.pool = ConvBlock(TOP, TOP, (7, 6), depthwise=True, linear=True)
        self.embed = nn.Linear(TOP, DIM)

    def forward(self, middle: Tensor, late: Tensor) -> Tensor:
        x = self.blocks(self.down(self.middle(middle)) + self.late(late))
        return F.normalize(self.embed(self.pool(self.top(x)).flatten(1)))


@cache
def networks() -> tuple[FaceFeatures, LikenessHead]:
    """Those that are shipped, on the CPU; raises ModelError if their weights are damaged."""
    features = loaded(lambda: FaceFeatures(encoders.Encoder()), ENCODER, part=True)
    head = loaded(LikenessHead, WEIGHTS)
    with torch.inference_mode(False):
        # Channels last, convolutions take two thirds of the time.
        features = features.to(memory_format=torch.channels_last)
    return features.eval().requires_grad_(False), head.eval().requires_grad_(False)


@torch.inference_mode()
def likeness(before: Tensor, after: Tensor) -> list[float]:
    """How much each face looks like itself, -1 to 1: 1 is the same picture, strangers are near 0.

    Both are FFHQ squares [N, 3, S, S] in [-1, 1]. Three decimals; more would mean nothing.
    """
    features, head = networks()
    side = (encoders.RESOLUTION, encoders.RESOLUTION)
    small = [F.interpolate(faces.cpu(), side, mode="area") for faces in (before, after)]
    first, second = head(*features(torch.cat(small))).chunk(2)
    return [round(score, 3) for score in (first * second).sum(1).tolist()]
