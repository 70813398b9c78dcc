"""What a good encoder minimises. Each loss is a callable that returns one scalar tensor."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import Decoder


class StyleLoss(nn.Module):
    """Squared error of styles after each slot's affine maps, in units of that slot's variance.

    Directions of w that no affine lets through cannot reach the picture, so they cost nothing.
    1.0 is what predicting the mean style scores.
    """

    def __init__(self, decoder: Decoder, styles: Tensor) -> None:
        """``styles`` [M, 512] are draws of the mapping network that fix the scale."""
        super().__init__()
        self.register_buffer("mean", styles.mean(0))
        for slot, affines in enumerate(decoder.affines()):
            weight = torch.cat([affine.weight.detach() for affine in affines])
            variance = ((styles - self.mean) @ weight.T).square().mean()
            self.register_buffer(f"affine{slot}", weight / (variance * len(weight)).sqrt())
        self.slots = slot + 1

    def per_slot(self, delta: Tensor) -> Tensor:
        """Normalised squared size of style differences [N, slots, 512], as [N, slots]."""
        sizes = [
            F.linear(delta[:, k], getattr(self, f"affine{k}")).square().sum(1)
            for k in range(self.slots)
        ]
        return torch.stack(sizes, dim=1)

    def forward(self, predicted: Tensor, target: Tensor) -> Tensor:
        return self.per_slot(predicted - target).mean()

    def spread(self, styles: Tensor) -> Tensor:
        """How far styles are from the mean (1.0: as far as natural samples)."""
        return self.per_slot(styles - self.mean).mean()


def texture_loss(picture: Tensor, target: Tensor, levels: int = 3, cell: int = 8) -> Tensor:
    """How much the strength of fine texture differs, whatever its exact place.

    Pixel losses are content with blur where they are unsure; this one is not. It is the mean
    absolute difference of the local mean magnitude of each Laplacian band, in cells of ``cell``
    px. Images [N, 3, S, S] in [-1, 1].
    """
    total = picture.new_zeros(())
    for _ in range(levels):
        smaller = [F.avg_pool2d(x, 2) for x in (picture, target)]
        strengths = [
            F.avg_pool2d((x - F.interpolate(half, scale_factor=2)).abs().mean(1), cell)
            for x, half in zip((picture, target), smaller, strict=True)
        ]
        total = total + (strengths[0] - strengths[1]).abs().mean()
        picture, target = smaller
    return total / levels
