"""The details path: what 16 styles cannot hold, as a small map beside them.

Sixteen styles describe a face that the decoder can draw; they do not hold this very eyelid, this
earring, this hat. A map of 24 channels at 64 px keeps them, in the spirit of feature-space
inversion (Yao et al. 2022, FeatureStyle; Pehlivan et al. 2023, StyleRes): when faces are
decoded, it becomes a residual that is added to the decoder's 64 px features. The residual sees
those features as they were for the photo and as they are after the edit, so that it bends or
gives way where the edit changes the face.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import CHANNELS

INPUT_RESOLUTION = 256
RESOLUTION = 64
BLOCKS_BEFORE = 4  # decoder blocks before the residual is added
MAP_CHANNELS = 24
WIDTH = 64
LOOK = 32  # channels of the squeezed decoder features
REACH = 6  # how far, in px of the map, a place may move with an edit
# Every second px of the square within reach, and the nearest ones all.
OFFSETS = tuple(
    (dy, dx)
    for dy in range(-REACH, REACH + 1)
    for dx in range(-REACH, REACH + 1)
    if (dy % 2 == 0 and dx % 2 == 0) or max(abs(dy), abs(dx)) == 1
)


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
    """Maps and decoder features before and after the edit -> residual [N, 512, 64, 64].

    Where the edit moves the face, the map moves with it: each place looks for itself among the
    features before. Where it changes the face into something else, a gate lets the residual go.
    """

    def __init__(self) -> None:
        super().__init__()
        features = CHANNELS[BLOCKS_BEFORE]
        self.look = nn.Conv2d(features, LOOK, 1)
        self.key = nn.Conv2d(features, LOOK, 1, bias=False)
        self.sharpness = nn.Parameter(torch.tensor(3.0))
        self.far = nn.Parameter(torch.tensor(-3.0))
        self.body = nn.Sequential(
            nn.Conv2d(MAP_CHANNELS + 2 * LOOK + 2, WIDTH, 3, padding=1),
            SeparableResidual(WIDTH),
            SeparableResidual(WIDTH),
        )
        self.out = nn.Conv2d(WIDTH, features, 1)
        self.gate = nn.Conv2d(WIDTH, 1, 1)
        for layer in (self.out, self.gate):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(self.gate.bias, 3.0)

    def forward(self, maps: Tensor, before: Tensor, after: Tensor) -> Tensor:
        maps, changed, match = self.follow(maps, before, after)
        was, now = self.look(before), self.look(after)
        return self._shown(maps, was, now - was, changed, changed * (match - 1))

    def unedited(self, maps: Tensor, features: Tensor) -> Tensor:
        """The same for features that no edit has changed, at a part of the cost."""
        was = self.look(features)
        nothing = torch.zeros_like(was)
        return self._shown(maps, was, nothing, nothing[:, :1], nothing[:, :1])

    def _shown(self, *facts: Tensor) -> Tensor:
        x = self.body(torch.cat(facts, dim=1))
        return self.out(x) * torch.sigmoid(self.gate(x))

    def follow(self, maps: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Maps as they move where the features change, where that is, and how well it went.

        ``changed`` [N, 1, S, S] is 0 to 1, and ``match``, how well each place was found again
        among the features before, -1 to 1.
        """
        change = (after - before).square().mean(1, keepdim=True)
        changed = 1 - torch.exp(-4 * F.avg_pool2d(change, 5, stride=1, padding=2))
        moved, match = self.find(maps, before, after)
        return maps + changed * (moved - maps), changed, match

    def find(self, maps: Tensor, before: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        """Maps as they move with the features, and how well each place was found, -1 to 1.

        Attention from each place after the edit to its neighbours before, nearer ones first.
        """
        keys, queries = (F.normalize(self.key(x), dim=1) for x in (before, after))
        scores, places = [], []
        for dy, dx in OFFSETS:
            likeness = (queries * shifted(keys, dy, dx)).sum(1, keepdim=True)
            distance = F.softplus(self.far) * (dy * dy + dx * dx)
            scores.append(torch.exp(self.sharpness) * likeness - distance)
            places.append(likeness)
        weights = torch.softmax(torch.cat(scores, dim=1).float(), dim=1).to(maps)
        moved = sum(
            weights[:, i : i + 1] * shifted(maps, dy, dx) for i, (dy, dx) in enumerate(OFFSETS)
        )
        return moved, (weights * torch.cat(places, dim=1)).sum(1, keepdim=True)


def shifted(x: Tensor, dy: int, dx: int) -> Tensor:
    """x[..., i + dy, j + dx] at (i, j), the border repeated."""
    padded = F.pad(x, (REACH,) * 4, mode="replicate")
    height, width = x.shape[-2:]
    top, left = REACH + dy, REACH + dx
    return padded[..., top : top + height, left : left + width]


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

    def residual(self, maps: Tensor, before: Tensor, after: Tensor) -> Tensor:
        """What the maps add to the features ``after`` an edit [N, 512, 64, 64].

        ``before`` are the features of the styles that the maps were encoded with.
        """
        return self.decoder(maps, before, after)
