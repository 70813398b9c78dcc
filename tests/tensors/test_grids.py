"""Places of a grid, against a library that knows them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from facemod.tensors.grids import connected, nearest


def mask(share: float, seed: int = 0, shape: tuple[int, int] = (30, 40)) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < share


@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
@pytest.mark.parametrize("seed", range(3))
def test_parts_hang_together_as_labels_say(share, seed):
    allowed, seeds = mask(share, seed), torch.stack([mask(0.01, seed + 10), mask(0.03, seed + 20)])
    labels, _ = ndimage.label(allowed.numpy(), structure=np.ones((3, 3)))
    for found, started in zip(connected(allowed, seeds), seeds, strict=True):
        meant = set(labels[(started & allowed).numpy()].tolist())
        assert torch.equal(found, torch.from_numpy(np.isin(labels, [*meant]) & (labels > 0)))


@pytest.mark.parametrize("share", [0.002, 0.05, 0.9])
@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_is_as_far_as_the_distance_transform_says(share, seed):
    known = mask(share, seed)
    known[7, 3] = True
    places = torch.arange(known.numel())
    found = nearest(known, places)
    assert known.flatten()[found].all()
    apart = torch.hypot((found // 40 - places // 40).float(), (found % 40 - places % 40).float())
    expected = ndimage.distance_transform_edt(~known.numpy()).ravel()
    assert np.allclose(apart.numpy(), expected, atol=1e-4)
