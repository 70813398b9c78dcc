"""Balanced PIONEER (Heljakka et al. 2020): PIONEER with spectral norm in place of pixel norm."""

from facemod.models.balanced_pioneer.published import FAMILY, convert, detect
from facemod.models.pioneer.decoder import Decoder
from facemod.models.pioneer.model import OneLatentModel
from facemod.models.sphere.growing import Encoder
from facemod.models.sphere.model import Facts, Networks

__all__ = ["FAMILY", "convert", "detect", "load", "networks"]

load = OneLatentModel


def networks(facts: Facts) -> Networks:
    """The encoder and the decoder that the facts describe, with fresh weights."""
    encoder = Encoder(facts.encoder_widths, facts.latent, last_activation=True)
    return encoder, Decoder(facts.decoder_widths, facts.latent)
