"""PIONEER (Heljakka et al. 2018): an autoencoder with one latent and no scales."""

from facemod.models.pioneer.model import FAMILY, OneLatentModel, networks
from facemod.models.pioneer.published import convert, detect

__all__ = ["FAMILY", "OneLatentModel", "convert", "detect", "load", "networks"]

load = OneLatentModel
