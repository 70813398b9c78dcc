"""The decoder for CPUs draws what the decoder draws."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facemod.models.registry import load_model
from facemod.models.wavelet import WaveletModel, fast
from facemod.models.wavelet.fast import FastDecoder


@pytest.fixture(scope="module")
def model() -> WaveletModel:
    return load_model()


@pytest.fixture(scope="module")
def styles(model: WaveletModel) -> Tensor:
    """Two faces, one of them with the fine slots of another."""
    codes = model.sample(2, seed=11)
    return codes.with_slots(range(9, 16), model.sample(1, seed=12)).styles


@pytest.fixture(scope="module")
@torch.inference_mode()
def expected(model: WaveletModel, styles: Tensor) -> Tensor:
    return model.decoder(styles)


@torch.inference_mode()
def test_pictures_are_the_same(model: WaveletModel, styles: Tensor, expected: Tensor) -> None:
    assert (FastDecoder(model.decoder)(styles) - expected).abs().max() < 5e-4


@torch.inference_mode()
def test_it_can_stop_at_the_features_and_go_on(
    model: WaveletModel, styles: Tensor, expected: Tensor
) -> None:
    decoder = FastDecoder(model.decoder)
    features = decoder.features(styles, 4)
    assert torch.allclose(features, model.decoder.features(styles, 4), atol=1e-3)
    assert (decoder.image(features, styles, 4) - expected).abs().max() < 5e-4


@torch.inference_mode()
def test_bands_leave_no_trace(
    model: WaveletModel, styles: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = styles[:1]
    features = model.painter.features(one, 5)
    usual = model.painter.image(features, one, 5)
    monkeypatch.setattr(fast, "BAND", 82)
    assert (model.painter.image(features, one, 5) - usual).abs().max() < 1e-4


@torch.inference_mode()
def test_without_onednn_it_draws_the_same(
    model: WaveletModel, styles: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = styles[:1]
    usual = model.painter.features(one, 3)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert torch.allclose(model.painter.features(one, 3), usual, atol=1e-3)


@torch.inference_mode()
def test_bfloat16_is_close(model: WaveletModel, styles: Tensor, expected: Tensor) -> None:
    half = FastDecoder(model.decoder, torch.bfloat16)(styles[:1]).clamp(-1, 1)
    error = (half - expected[:1].clamp(-1, 1)).square().mean()
    assert 10 * torch.log10(4 / error) > 45
