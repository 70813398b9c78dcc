"""What the bundled model is compared with."""

from __future__ import annotations

import pytest
import torch

from facemod.bench import rivals
from facemod.models.registry import load_model
from facemod.models.wavelet.model import WaveletModel


@pytest.fixture(scope="module")
def model() -> WaveletModel:
    return load_model()


def test_smaller_pictures_cost_less(model: WaveletModel) -> None:
    small, full = (rivals.decoder_gmacs(model, size) for size in (256, 1024))
    assert 7 < full < 8
    assert small < 0.9 * full


def test_the_automodulator_networks_draw_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "FULL", (8,) * 9)
    monkeypatch.setattr(rivals, "WIDTHS", (8,) * 9)
    assert rivals.automodulator(32)().shape == (1, 3, 32, 32)


def test_openvino_draws_the_same(model: WaveletModel) -> None:
    pytest.importorskip("openvino")
    styles = model.sample(1, seed=3).styles
    drawn = torch.from_numpy(rivals.openvino_decoder(model, styles)["OpenVINO"]()[0])
    assert (drawn.clamp(-1, 1) - model.decode(model.sample(1, seed=3))).abs().max() < 2e-3
