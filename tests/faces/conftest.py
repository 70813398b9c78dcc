"""Faces of people who do not exist, drawn once per session from the bundled decoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import facemod.models.wavelet.decoder as wavelet
from facemod.faces import affine
from facemod.faces.embedded import EmbeddedDetector
from facemod.models.wavelet.mapping import Mapping
from facemod.weights.files import fill, load_weights

SEED = 3
Place = Callable[[np.ndarray, affine.Matrix, tuple[int, int]], np.ndarray]


@pytest.fixture(scope="session")
def portraits() -> list[np.ndarray]:
    """Two decoder samples [512, 512, 3], each an FFHQ square of one face."""
    folder = Path(wavelet.__file__).parent
    decoder, mapping = wavelet.Decoder(), Mapping()
    for network, name in ((decoder, "decoder"), (mapping, "mapping")):
        path = folder / f"{name}.safetensors"
        fill(network, load_weights(path)[0], path)
    noise = torch.randn(2, wavelet.STYLE_DIM, generator=torch.Generator().manual_seed(SEED))
    with torch.inference_mode():
        styles = mapping.truncated(noise, 0.7)[:, None].expand(-1, wavelet.SLOTS, -1)
        images = torch.cat([decoder(style[None]) for style in styles])
    pixels = ((images.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    return [np.asarray(Image.fromarray(p).resize((512, 512), Image.Resampling.BOX)) for p in pixels]


@pytest.fixture(scope="session")
def detector() -> EmbeddedDetector:
    return EmbeddedDetector()


@pytest.fixture(scope="session")
def place() -> Place:
    """Paste a portrait onto a grey photo of ``size`` (width, height), where a matrix puts it."""

    def paste(portrait: np.ndarray, matrix: affine.Matrix, size: tuple[int, int]) -> np.ndarray:
        side = max(1, round(len(portrait) * min(1.0, affine.scale(matrix))))
        small = Image.fromarray(portrait).resize((side, side), Image.Resampling.BOX)
        shrunk = np.full(2, side / len(portrait))
        to_small = affine.rescaled(affine.inverse(matrix), np.zeros(2), shrunk)
        photo = small.transform(
            size,
            Image.Transform.AFFINE,
            affine.pillow_coefficients(to_small),
            Image.Resampling.BILINEAR,
            fillcolor=(128, 128, 128),
        )
        return np.asarray(photo)

    return paste


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Photos [height, width, 3] of noise."""
    rng = np.random.default_rng(0)
    return lambda height, width: rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
