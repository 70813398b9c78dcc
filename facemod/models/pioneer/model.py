"""A PIONEER as the rest of the house sees it: one slot for the whole picture."""

from __future__ import annotations

from torch import Tensor

from facemod.models.pioneer.decoder import Decoder
from facemod.models.sphere.growing import Encoder
from facemod.models.sphere.model import Facts, Networks, SphereModel

FAMILY = "pioneer"


def networks(facts: Facts) -> Networks:
    """The encoder and the decoder that the facts describe, with fresh weights."""
    encoder = Encoder(facts.encoder_widths, facts.latent, last_activation=True)
    return encoder, Decoder(facts.decoder_widths, facts.latent, pixel_norm=True)


class OneLatentModel(SphereModel):
    """A model that edits, walks and draws faces, but has no scales to mix."""

    @staticmethod
    def slot_resolutions(facts: Facts) -> tuple[int, ...]:
        return (facts.resolution,)

    def decode_styles(self, styles: Tensor) -> Tensor:
        return self.decoder(styles[:, 0])
