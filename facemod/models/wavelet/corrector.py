"""Iterative encoding: a second look at a face, beside what its codes show so far.

The encoder's first guess is drawn, and a second network sees the photo, the difference, and what
an identity network makes of both. It answers how far the styles that shape the face have to move
(Alaluf et al. 2021, ReStyle; the identity network's features as in Richardson et al. 2021, pSp).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import STYLE_DIM
from facemod.models.wavelet.details import SHAPING
from facemod.models.wavelet.encoder import DEPTHS, WIDTHS, Encoder, Level
from facemod.models.wavelet.preview import Viewer

DIRECTIONS = 192
"""Corrections are told in so many directions: those that pictures hardly show are left alone."""
# (slots, index of the pyramid level they read, pooling that brings the level to 4 px)
HEADS = ((range(3), 4, 1), (range(3, SHAPING), 3, 2))
HEAD_WIDTH, SQUEEZED = 256, 64
PERSON, PERSON_CHANNELS, PERSON_PLACES = 128, 48, 7 * 6
# What the identity network says is brought to about 1: unit embeddings and feature columns.
EMBEDDING_GAIN, DIFFERENCE_GAIN, FEATURE_GAIN = 4.0, 8.0, 8.0
PASSES = 2
"""How often codes are corrected; more gain little."""

Seen = tuple[Tensor, Sequence[Tensor]]
"""An embedding [N, 128] and feature maps, the last one [N, 128, 7, 6]."""


class Person(nn.Module):
    """How two faces differ to an identity network: [N, 256]."""

    def __init__(self) -> None:
        super().__init__()
        self.places = nn.Conv2d(2 * PERSON, PERSON_CHANNELS, 1)
        self.mix = nn.Linear(PERSON_CHANNELS * PERSON_PLACES + 2 * PERSON, HEAD_WIDTH)

    def forward(self, wanted: Seen, shown: Seen) -> Tensor:
        (person, features), (other, other_features) = wanted, shown
        here, there = (
            FEATURE_GAIN * F.normalize(maps[-1], dim=1) for maps in (features, other_features)
        )
        places = F.relu(self.places(torch.cat((here, here - there), dim=1))).flatten(1)
        embeddings = (EMBEDDING_GAIN * person, DIFFERENCE_GAIN * (person - other))
        return F.relu(self.mix(torch.cat((places, *embeddings), dim=1)))


class GuidedHead(nn.Module):
    """One pyramid level and the person -> ``outputs`` numbers, 0 before training."""

    def __init__(self, c_in: int, pool: int, outputs: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, SQUEEZED, 1)
        self.pool = nn.AvgPool2d(pool)
        self.mix = nn.Linear(SQUEEZED * 16, HEAD_WIDTH)
        self.guide = nn.Linear(HEAD_WIDTH, HEAD_WIDTH, bias=False)
        self.out = nn.Linear(HEAD_WIDTH, outputs)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, level: Tensor, person: Tensor) -> Tensor:
        places = self.pool(F.relu(self.squeeze(level))).flatten(1)
        return self.out(F.relu(self.mix(places) + self.guide(person)))


class Corrector(nn.Module):
    """How far the nine styles that shape a face have to move, along the axes of natural styles."""

    directions: Tensor

    def __init__(self) -> None:
        super().__init__()
        widths = (6, *WIDTHS)
        self.levels = nn.ModuleList(
            Level(c_in, c_out, depth)
            for c_in, c_out, depth in zip(widths, WIDTHS, DEPTHS, strict=False)
        )
        self.person = Person()
        self.shared = GuidedHead(WIDTHS[-1], 1, DIRECTIONS)
        self.heads = nn.ModuleList(
            GuidedHead(WIDTHS[level], pool, len(slots) * DIRECTIONS) for slots, level, pool in HEADS
        )
        # On the CPU, as in the encoder.
        self.register_buffer("directions", torch.eye(STYLE_DIM, device="cpu")[:DIRECTIONS])

    def begin_like(self, encoder: Encoder) -> None:
        """Look at photos as ``encoder`` does, and half as much at what is missing."""
        first = "0.0.0.weight"
        known = encoder.levels.state_dict()
        photo = known.pop(first)
        known[first] = torch.cat((photo, photo / 2), dim=1)
        self.levels.load_state_dict(known)

    def forward(self, faces: Tensor, shown: Tensor, wanted: Seen, seen: Seen) -> Tensor:
        """Steps [N, 9, 512] in standard deviations of natural styles.

        ``faces`` [N, 3, 128, 128] in [-1, 1] are the photos and ``shown`` what their codes show;
        ``wanted`` and ``seen`` are what the identity network makes of either.
        """
        pyramid, x = [], torch.cat((faces, faces - shown), dim=1)
        for level in self.levels:
            x = level(x)
            pyramid.append(x)
        person = self.person(wanted, seen)
        apart = [
            head(pyramid[level], person)
            for head, (_, level, _) in zip(self.heads, HEADS, strict=True)
        ]
        slots = torch.cat(apart, dim=1).unflatten(1, (SHAPING, DIRECTIONS))
        return (self.shared(pyramid[-1], person)[:, None] + slots) @ self.directions


@dataclass(frozen=True)
class IterativeEncoder:
    """The encoder and what corrects it, all on one device."""

    encoder: Encoder
    corrector: Corrector
    viewer: Viewer
    features: Callable[[Tensor], Tensor]
    """Styles -> 64 px features [N, 512, 64, 64]."""

    def __call__(self, faces: Tensor) -> Tensor:
        """Styles [N, 16, 512] of faces [N, 3, 128, 128] in [-1, 1]."""
        faces = faces.contiguous(memory_format=torch.channels_last)
        wanted, styles = self.person(faces), self.encoder(faces)
        for _ in range(PASSES):
            styles = self.corrected(faces, styles, wanted)
        return styles

    @torch.no_grad()
    def person(self, faces: Tensor) -> Seen:
        """What the identity network makes of faces [N, 3, 128, 128]."""
        return self.viewer.identity(faces)

    def corrected(self, faces: Tensor, styles: Tensor, wanted: Seen) -> Tensor:
        """The styles after one more look; slots that only colour the face stay.

        ``wanted`` is the :meth:`person` of the faces.
        """
        with torch.no_grad():
            shown = self.viewer.preview(self.features(styles)).float().clamp(-1, 1)
        seen = self.person(shown)
        step = self.corrector(faces, shown, wanted, seen).float() @ self.encoder.basis
        return torch.cat((styles[:, :SHAPING] + step, styles[:, SHAPING:]), dim=1)
