"""YuNet's proposals on views of a photo, in the photo's coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces import affine
from facemod.faces.views import View
from facemod.faces.yunet import YuNet, propose

Array = NDArray[np.float64]
MAX_OVERLAP = 0.4
BOX, SCORE, POINTS = slice(0, 4), 4, slice(5, 15)
NONE = np.zeros((0, 15))


class Proposer:
    """Shows YuNet views of a photo."""

    def __init__(self, network: YuNet, device: torch.device) -> None:
        self._network = network.to(device, memory_format=torch.channels_last)
        self._device = device

    def __call__(self, views: Sequence[View], threshold: float) -> Array:
        """Proposals [K, 15] (box, score, points) of at least a score, the best first, each once.

        The views are all of one size.
        """
        if not views:
            return NONE
        pixels = torch.from_numpy(np.stack([view.pixels[..., ::-1] for view in views]))
        which, found = propose(self._network(_input(pixels.to(self._device))), threshold)
        proposals = found.double().cpu().numpy()
        views_of = which.cpu().numpy()
        mapped = [_in_photo(view, proposals[views_of == i]) for i, view in enumerate(views)]
        return suppress(np.concatenate(mapped))


def suppress(found: Array) -> Array:
    """Non-maximum suppression of proposals [K, 15], best score first."""
    found = found[np.argsort(-found[:, SCORE], kind="stable")]
    kept = []
    while len(found):
        best, found = found[0], found[1:]
        kept.append(best)
        found = found[overlap(best, found) <= MAX_OVERLAP]
    return np.array(kept).reshape(-1, 15)


def unlike(proposals: Array, known: Array) -> Array:
    """The proposals [K, 15] that are none of the known ones [N, 15]."""
    new = [all(overlap(one, known) <= MAX_OVERLAP) for one in proposals]
    return proposals[np.array(new, dtype=bool)]


def overlap(one: Array, others: Array) -> Array:
    """How much [N] of two boxes together they share, of one and each other [N, 15], 0..1."""
    width = np.minimum(one[2], others[:, 2]) - np.maximum(one[0], others[:, 0])
    height = np.minimum(one[3], others[:, 3]) - np.maximum(one[1], others[:, 1])
    shared = width.clip(0) * height.clip(0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    both = (one[2] - one[0]) * (one[3] - one[1]) + areas - shared
    return shared / np.maximum(both, 1e-9)


def _input(pixels: Tensor) -> Tensor:
    """BGR [N, H, W, 3] to [N, 3, H', W'], padded with black to multiples of 32."""
    images = pixels.permute(0, 3, 1, 2).float()
    images = F.pad(images, (0, -images.shape[3] % 32, 0, -images.shape[2] % 32))
    return images.contiguous(memory_format=torch.channels_last)


def _in_photo(view: View, proposals: Array) -> Array:
    """Proposals [K, 15] of a view, in the photo; boxes stay upright."""
    mapped = proposals.copy()
    mapped[:, POINTS] = affine.apply(view.matrix, proposals[:, POINTS].reshape(-1, 5, 2)).reshape(
        -1, 10
    )
    corners = affine.apply(view.matrix, proposals[:, BOX].reshape(-1, 2, 2))
    mapped[:, :2], mapped[:, 2:4] = corners.min(1), corners.max(1)
    return mapped
