"""The bundled family: an encoder of our own and the modulated wavelet decoder."""

from facemod.models.wavelet.model import FAMILY, WaveletModel, load

__all__ = ["FAMILY", "WaveletModel", "load"]
