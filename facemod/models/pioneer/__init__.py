"""PIONEER (Heljakka et al. 2018): an autoencoder with one latent and no scales."""

from facemod.models.family import Family, FileFormat
from facemod.models.pioneer.model import FAMILY as NAME
from facemod.models.pioneer.model import OneLatentModel, networks
from facemod.models.pioneer.published import convert, detect

FAMILY = Family(NAME, frozenset(), FileFormat(networks, OneLatentModel, detect, convert))
