"""The mapping network: Gaussian noise z -> a style w, as in StyleGAN (Karras et al. 2019)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import STYLE_DIM


class Mapping(nn.Module):
    """z [N, 512] -> w [N, 512]; ``mean`` is the average w, the centre of truncation."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(STYLE_DIM, STYLE_DIM) for _ in range(8))
        self.register_buffer("mean", torch.zeros(STYLE_DIM))

    def forward(self, z: Tensor) -> Tensor:
        x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2) * 2**0.5
        return x

    def truncated(self, z: Tensor, truncation: float) -> Tensor:
        """w moved toward the mean: ``truncation`` 1 leaves it, 0 gives the mean face."""
        return self.mean + truncation * (self(z) - self.mean)
