"""Deep automodulators (Heljakka et al. 2020): one unit latent that drives every level apart."""

from facemod.models.automodulator.model import FAMILY as NAME
from facemod.models.automodulator.model import AutomodulatorModel, networks
from facemod.models.automodulator.published import convert, detect
from facemod.models.family import MIX, NOISE, Family, FileFormat

FAMILY = Family(
    NAME,
    frozenset({MIX, NOISE}),
    FileFormat(networks, AutomodulatorModel, detect, convert),
)
