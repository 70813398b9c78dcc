"""The terms that encoder and decoder are trained with (Heljakka et al. 2018 and 2020)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

DIVERGENCE_WEIGHT = 0.1
"""Of every KL term; a tenth of the papers' weight, as in the published code."""
LATENT_WEIGHT = 100.0


def divergence(latents: Tensor) -> Tensor:
    """KL of the batch [N, D] from N(0, 1), by mean m and variance v of each dimension.

    The mean over dimensions of (v + m^2) / 2 - log(v) / 2 - 1/2. On the unit sphere it is least
    when the latents are spread evenly.
    """
    latents = latents.float()
    mean, variance = latents.mean(0), latents.var(0, correction=0)
    return ((variance + mean.square()) / 2 - variance.log() / 2 - 0.5).mean()


def contest(real: Tensor, fake: Tensor, margin: float, *, bounded_above: bool) -> Tensor:
    """What the encoder gains by telling real from decoded images, from two divergences.

    Without a margin (0) it is DIVERGENCE_WEIGHT * (real - fake). A margin stops the encoder from
    winning by more than that (Balanced PIONEER); the automodulator also stops it from being
    punished for more than half of that.
    """
    gain = DIVERGENCE_WEIGHT * (real - fake)
    if margin <= 0:
        return gain
    return gain.clamp(-margin, margin / 2 if bounded_above else None)


def latent_mismatch(recovered: Tensor, latents: Tensor) -> Tensor:
    """How far decoding and encoding lead away from latents [N, D] on the unit sphere.

    100 times the mean over all elements of 2 - recovered * latent: a cosine distance.
    """
    return LATENT_WEIGHT * (2 - recovered.float() * latents.float()).mean()


def absolute(decoded: Tensor, images: Tensor) -> Tensor:
    """Mean absolute difference of images in [-1, 1] (both PIONEERs)."""
    return F.l1_loss(decoded.float(), images)


def entanglement(before: Tensor, after: Tensor) -> Tensor:
    """Mean squared difference of the first levels' feature maps [N, C, H, W] (automodulator).

    ``before`` is driven by the latents that made a style-mixed image, ``after`` by what the
    encoder sees in that image: what later levels were given must not show there.
    """
    return F.mse_loss(after.float(), before.float())
