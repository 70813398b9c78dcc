"""The general and adaptive robust loss (Barron 2019, arXiv 1701.03077), one shape per pixel.

The negative log-likelihood of a family of distributions from Cauchy-like (shape 0) to normal
(shape 2). Shape and scale are learnt for every pixel and channel of every resolution.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHAPES = (0.001, 1.999)
SMALLEST_SCALE = 1e-5
KNOTS = 512
QUADRATURE = 8192


class AdaptiveLoss(nn.Module):
    """Mean negative log-likelihood of differences [N, 3, R, R] at R = 4 << level.

    All shapes and scales begin at 1.
    """

    def __init__(self, levels: int) -> None:
        super().__init__()
        sides = [4 << level for level in range(levels)]
        self.shapes = nn.ParameterList(torch.zeros(3, side, side) for side in sides)
        self.scales = nn.ParameterList(torch.zeros(3, side, side) for side in sides)

    def forward(self, decoded: Tensor, images: Tensor, level: int) -> Tensor:
        low, high = SHAPES
        shape = low + (high - low) * self.shapes[level].sigmoid()
        # softplus of this offset is 1
        offset = torch.log(torch.expm1(torch.ones((), device=shape.device)))
        scale = SMALLEST_SCALE + (1 - SMALLEST_SCALE) * F.softplus(self.scales[level] + offset)
        likelihood = penalty((decoded.float() - images) / scale, shape)
        return (likelihood + scale.log() + log_partition(shape)).mean()

    @torch.no_grad()
    def enter(self, level: int) -> None:
        """Begin a level with the parameters of the level below, each copied to its four pixels."""
        for parameters in (self.shapes, self.scales):
            below = parameters[level - 1]
            parameters[level].copy_(below.repeat_interleave(2, 1).repeat_interleave(2, 2))


def penalty(x: Tensor, shape: Tensor) -> Tensor:
    """Barron's rho(x, shape) at scale 1, for shapes strictly between 0 and 2."""
    gap = 2 - shape
    return gap / shape * torch.expm1(shape / 2 * torch.log1p(x.square() / gap))


def log_partition(shape: Tensor) -> Tensor:
    """log of the integral of exp(-rho(x, shape)) over x, for shapes in SHAPES; differentiable.

    A cubic through tabulated values (Catmull and Rom); within 1e-4 of the integral.
    """
    table = _table().to(shape.device)
    place = (shape - SHAPES[0]) / (SHAPES[1] - SHAPES[0]) * (KNOTS - 1)
    left = place.detach().floor().clamp(0, KNOTS - 2).long()
    t = place - left
    before, a, b, after = (table[left + i] for i in range(4))
    slope_a, slope_b = (b - before) / 2, (after - a) / 2
    curve = 2 * (a - b) + slope_a + slope_b
    return a + t * (slope_a + t * (3 * (b - a) - 2 * slope_a - slope_b + t * curve))


@lru_cache(maxsize=1)
def _table() -> Tensor:
    """log partition at evenly spaced shapes, with one more knot at each end."""
    shapes = torch.linspace(*SHAPES, KNOTS, dtype=torch.float64)
    # x = tan(angle): the tails of a Cauchy distribution become flat
    angles = (torch.arange(QUADRATURE, dtype=torch.float64) + 0.5) / QUADRATURE * torch.pi / 2
    x, stretch = angles.tan(), angles.cos().pow(-2)
    density = torch.exp(-penalty(x, shapes[:, None]))
    inner = (2 * (density * stretch).mean(1) * torch.pi / 2).log()
    first, last = 2 * inner[0] - inner[1], 2 * inner[-1] - inner[-2]
    return torch.cat([first[None], inner, last[None]]).float()
