"""A 128 px picture of a face for a fraction of the decoder's work.

The decoder decides by 64 px what is where. What a picture of twice that size shows is, to 24 dB,
one linear map of its 64 px features away: three wavelet bands and the means of every colour. The
map is solved by least squares (``tools/linear_preview.py``). Nothing in it can be fooled by a
descent through it: features that make a good preview make a good picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from facemod.faces.regions import Segmenter
from facemod.models.wavelet.decoder import CHANNELS, Decoder, inverse_haar
from facemod.models.wavelet.details import BLOCKS_BEFORE
from facemod.models.wavelet.identity import Identity
from facemod.tensors.precision import autocast

SIDE = 128
BANDS = 12


class LinearPreview(nn.Conv2d):
    """The decoder's 64 px features [N, 512, 64, 64] -> pictures [N, 3, 128, 128]."""

    def __init__(self) -> None:
        super().__init__(CHANNELS[BLOCKS_BEFORE], BANDS, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Pictures, about [-1, 1] and not clamped."""
        return inverse_haar(super().forward(features))


@dataclass(frozen=True)
class Viewer:
    """What a search for styles looks through, without gradients of its own; all on one device."""

    decoder: Decoder
    preview: LinearPreview
    identity: Identity
    segmenter: Segmenter

    def draw(self, styles: Tensor) -> Tensor:
        """Pictures [N, 3, 128, 128] of styles [N, 16, 512], with gradients, in half precision
        where that is fast."""
        with autocast(styles.device):
            return self.show(self.decoder.features(styles, BLOCKS_BEFORE))

    def show(self, features: Tensor) -> Tensor:
        """Pictures [N, 3, 128, 128] of the decoder's 64 px features [N, 512, 64, 64]."""
        with autocast(features.device):
            return self.preview(features).float()
