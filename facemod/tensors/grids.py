"""Places of a grid on the CPU: which hang together, and which is nearest."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def connected(allowed: Tensor, seeds: Tensor) -> Tensor:
    """What of ``allowed`` [H, W] hangs together with each of K ``seeds`` [K, H, W], true or false.

    Places hang together at their sides and at their corners.
    """
    found = seeds & allowed
    while True:
        grown = found
        for dim in (1, 2):
            grown = _along(grown, allowed, dim)
            grown = _along(grown.flip(dim), allowed.flip(dim - 1), dim).flip(dim)
        beside = F.max_pool2d(grown[:, None].float(), 3, 1, 1)[:, 0] > 0
        grown = beside & allowed
        if torch.equal(grown, found):
            return found
        found = grown


def _along(found: Tensor, allowed: Tensor, dim: int) -> Tensor:
    """``found`` [K, H, W] and all ``allowed`` places [H, W] that follow one of it, up to a wall."""
    shape = [1, 1, 1]
    shape[dim] = -1
    places = torch.arange(found.shape[dim]).view(shape)
    last, wall = (places.where(such, -1).cummax(dim).values for such in (found, ~allowed[None]))
    return last > wall


def nearest(known: Tensor, places: Tensor) -> Tensor:
    """For P ``places`` the nearest that is ``known`` [H, W], which something has to be.

    Places are counted row by row. The distance is Euclid's; of several any may be meant.
    """
    width = known.shape[1]
    row, column = places.div(width, rounding_mode="floor"), places % width
    in_column = _nearest_rows(known)
    rows, columns = (torch.arange(count) for count in known.shape)
    down = (in_column - rows[:, None]).float().square()
    across = (columns - columns[:, None]).float().square()
    best = (down[row] + across[column]).argmin(1)
    return in_column[row, best] * width + best


def _nearest_rows(known: Tensor) -> Tensor:
    """For each place of ``known`` [H, W] the nearest row that is true in its column; a far one if
    there is none."""
    height, width = known.shape
    far = 4 * (height + width)
    rows = torch.arange(height)[:, None].expand(height, width)
    above = rows.where(known, -far).cummax(0).values
    below = rows.where(known, far).flip(0).cummin(0).values.flip(0)
    return above.where(rows - above <= below - rows, below)
