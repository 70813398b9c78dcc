"""Random edits of known faces."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from facemod.latent.presets import find_presets
from facemod.models.wavelet.decoder import SLOTS
from facemod.models.wavelet.mapping import Mapping
from facemod.training.bundled.samples import draw_styles

STRONGEST = 2.0
TURNS = ("yaw", "pitch")  # drawn more often: they move the whole face
TURNED = 0.3
USUAL_RANGES = ((0, 3), (0, 5), (3, 9), (9, SLOTS))  # of slots that a mix takes


class EditDraws:
    """Draws nothing, one preset, two, or a mix with another face, equally often."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping
        presets, _ = find_presets()
        self.directions = torch.stack([preset.direction() for preset in presets.values()])
        self.directions = self.directions.to(mapping.mean)
        self.turns = [i for i, name in enumerate(presets) if name in TURNS]

    def draw(
        self, styles: Tensor, codes: Tensor, rng: np.random.Generator, *, always: bool = False
    ) -> tuple[Tensor, Tensor]:
        """``styles`` and ``codes`` [N, 16, 512] after the same random edit of each face.

        ``always`` leaves no face without an edit.
        """
        styles, codes = styles.clone(), codes.clone()
        others = draw_styles(self.mapping, len(styles), rng)
        for i, kind in enumerate(rng.integers(1 if always else 0, 4, len(styles))):
            if kind == 3:
                slots = _slots(rng)
                styles[i, slots], codes[i, slots] = others[i, slots], others[i, slots]
            for _ in range(kind % 3):
                move = float(rng.uniform(-STRONGEST, STRONGEST)) * self._direction(rng)
                styles[i] += move
                codes[i] += move
        return styles, codes

    def _direction(self, rng: np.random.Generator) -> Tensor:
        turn = self.turns and rng.random() < TURNED
        return self.directions[rng.choice(self.turns if turn else len(self.directions))]


def _slots(rng: np.random.Generator) -> slice:
    if rng.random() < 0.6:
        first, last = sorted(rng.integers(0, SLOTS + 1, 2))
        return slice(first, last)
    return slice(*USUAL_RANGES[rng.integers(len(USUAL_RANGES))])
