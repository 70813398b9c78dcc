"""Balanced PIONEER (Heljakka et al. 2020): PIONEER with spectral norm in place of pixel norm."""

from facemod.models.balanced_pioneer.published import FAMILY as NAME
from facemod.models.balanced_pioneer.published import convert, detect
from facemod.models.family import Family, FileFormat
from facemod.models.pioneer.decoder import Decoder
from facemod.models.pioneer.model import OneLatentModel
from facemod.models.sphere.growing import Encoder
from facemod.models.sphere.model import Facts, Networks


def networks(facts: Facts) -> Networks:
    """The encoder and the decoder that the facts describe, with fresh weights."""
    encoder = Encoder(facts.encoder_widths, facts.latent, last_activation=facts.last_relu)
    return encoder, Decoder(facts.decoder_widths, facts.latent)


FAMILY = Family(NAME, frozenset(), FileFormat(networks, OneLatentModel, detect, convert))
