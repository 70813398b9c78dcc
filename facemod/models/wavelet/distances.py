"""How far a picture of a face is from its photo, in terms that lead a descent to the person."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.identity import Identity


def multi_scale_l1(a: Tensor, b: Tensor, known: Tensor, levels: int = 4) -> Tensor:
    """Mean absolute difference at full size and at ``levels - 1`` halvings, where ``known``.

    Images [N, 3, S, S] in [-1, 1]; ``known`` [N, 1, S, S] says how much each place
    counts: 0 where the photo has no pixels.
    """
    total = a.new_zeros(())
    for level in range(levels):
        if level:
            a, b, known = (F.avg_pool2d(t, 2) for t in (a, b, known))
        total = total + ((a - b).abs() * known).sum() / (3 * known.sum() + 1e-6)
    return total / levels


def identity_losses(identity: Identity, image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """1 - cosine of the embeddings, and the L1 distance of normalised feature maps."""
    with torch.no_grad():
        wanted, wanted_features = identity(target)
    got, got_features = identity(image)
    feature = sum(
        F.l1_loss(F.normalize(g, dim=1), F.normalize(w, dim=1)) * w.shape[1] ** 0.5
        for g, w in zip(got_features, wanted_features, strict=True)
    )
    return 1 - (got * wanted).sum(1).mean(), feature / len(got_features)
