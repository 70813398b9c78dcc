"""The bundled family: an encoder of our own and the modulated wavelet decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facemod.models.family import FIT, MIX, PAINT, Family

if TYPE_CHECKING:
    from facemod.models.wavelet.model import WaveletModel


def _load(device: str) -> WaveletModel:
    from facemod.models.wavelet.model import load

    return load(device)


FAMILY = Family("wavelet", frozenset({MIX, FIT, PAINT}), bundled=_load, resolution=1024)
