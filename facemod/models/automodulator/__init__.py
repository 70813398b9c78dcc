"""Deep automodulators (Heljakka et al. 2020): one unit latent that drives every level apart."""

from facemod.models.automodulator.model import FAMILY, AutomodulatorModel, networks
from facemod.models.automodulator.published import convert, detect

__all__ = ["FAMILY", "AutomodulatorModel", "convert", "detect", "load", "networks"]

load = AutomodulatorModel
