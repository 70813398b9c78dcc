"""Pictures as pixels and as tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Pixels = NDArray[np.uint8]
"""[H, W, 3] RGB."""


def to_tensor(images: Sequence[Pixels]) -> Tensor:
    """uint8 [S, S, 3] each -> float [N, 3, S, S] in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return stacked.float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> list[Pixels]:
    """float [N, 3, S, S] in [-1, 1] (clamped) -> uint8 [S, S, 3] each."""
    scaled = images.add(1).mul_(127.5).round_().clamp_(0, 255).byte()
    return list(scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of images in [-1, 1]."""
    return float(10 * torch.log10(4 / (a - b).square().mean().clamp_min(1e-10)))
