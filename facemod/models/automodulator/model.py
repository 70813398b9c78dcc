"""An automodulator as the rest of the house sees it: one slot per level."""

from __future__ import annotations

import torch
from torch import Tensor

from facemod.models.automodulator.decoder import Decoder
from facemod.models.sphere.growing import Encoder
from facemod.models.sphere.model import Facts, Networks, SphereModel, all_levels

FAMILY = "automodulator"


def networks(facts: Facts) -> Networks:
    """The encoder and the decoder that the facts describe, with fresh weights."""
    encoder = Encoder(facts.encoder_widths, facts.latent)
    return encoder, Decoder(facts.decoder_widths, facts.latent)


class AutomodulatorModel(SphereModel):
    """A model whose scales can be mixed.

    The decoder's noise is off, as its authors use it, until ``noise_seed`` is set. Every decoding
    then sees the same noise, the same for all pictures of a batch.
    """

    noise_seed: int | None = None
    slot_resolutions = staticmethod(all_levels)

    def decode_styles(self, styles: Tensor) -> Tensor:
        if self.noise_seed is None:
            return self.decoder(styles)
        generator = torch.Generator().manual_seed(self.noise_seed)

        def noise(x: Tensor) -> Tensor:
            return torch.randn(1, *x.shape[1:], generator=generator).to(x)

        return self.decoder(styles, noise=noise)
