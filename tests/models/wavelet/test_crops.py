"""Parts of the decoder's picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from facemod.models.wavelet import model as wavelet
from facemod.models.wavelet.crops import decode_window
from facemod.models.wavelet.decoder import Decoder
from facemod.models.wavelet.details import BLOCKS_BEFORE, RESOLUTION
from facemod.models.wavelet.mapping import Mapping
from facemod.models.windows import CROP, Window
from facemod.weights.files import filled

FOLDER = Path(wavelet.__file__).parent


@pytest.fixture(scope="module")
def drawn() -> tuple[Decoder, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The decoder, styles, their 64 px features and their picture."""
    decoder = filled(Decoder(), FOLDER / "decoder.safetensors").requires_grad_(False)
    mapping = filled(Mapping(), FOLDER / "mapping.safetensors").requires_grad_(False)
    styles = mapping(torch.randn(1, 512, generator=torch.Generator().manual_seed(0)))
    styles = styles[:, None].repeat(1, 16, 1)
    features = decoder.features(styles, BLOCKS_BEFORE)
    return decoder, styles, features, decoder.image(features, styles, BLOCKS_BEFORE)


@pytest.mark.parametrize("window", [Window(20, 31), Window(0, RESOLUTION - CROP)])
def test_the_inner_part_is_that_of_the_whole_picture(drawn, window):
    decoder, styles, features, whole = drawn
    part = decode_window(decoder, features, styles, window)
    assert part.shape == (1, 3, 256, 256)
    assert torch.allclose(window.inner(part), window.inner(window.of(whole)), atol=1e-4)


def test_borders_of_the_picture_lose_no_margin():
    crop = torch.zeros(1, 3, 256, 256)
    assert Window(20, 20).inner(crop).shape[-2:] == (192, 192)
    assert Window(0, RESOLUTION - CROP).inner(crop).shape[-2:] == (224, 224)


def test_gradients_reach_features_and_styles(drawn):
    decoder, styles, features, _ = drawn
    styles, features = styles.clone().requires_grad_(), features.clone().requires_grad_()
    decode_window(decoder, features, styles, Window(24, 24)).square().mean().backward()
    assert features.grad[..., 24:40, 24:40].abs().min(dim=1).values.max() > 0
    assert not features.grad[..., :24, :].any()
    assert styles.grad[:, 15].any()
