"""The decoder for CPUs draws what the decoder draws."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.registry import load_model
from facemod.models.wavelet import fast
from facemod.models.wavelet.decoder import SLOT_RESOLUTIONS
from facemod.models.wavelet.fast import FastDecoder
from facemod.models.wavelet.heads import Heads, Painter
from facemod.models.wavelet.model import WaveletModel
from facemod.models.windows import Window
from facemod.tensors.precision import working_precision

FULL = SLOT_RESOLUTIONS[-1]


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
    """From one split of the network to the other; batches are as good as single faces."""
    features = model.painter.features(styles, 4)
    assert torch.allclose(features, model.decoder.features(styles, 4), atol=1e-3)
    assert (model.painter.image(features, styles, 4, FULL) - expected).abs().max() < 5e-4


@pytest.mark.parametrize("size", [256, 512])
@torch.inference_mode()
def test_heads_are_the_same(model: WaveletModel, styles: Tensor, size: int) -> None:
    features = model.painter.features(styles, 4)
    plain = Painter(model.decoder, model.networks.heads).image(features, styles, 4, size)
    assert (model.painter.image(features, styles, 4, size) - plain).abs().max() < 5e-4


@pytest.mark.parametrize(("size", "least"), [(256, 36), (512, 34)])
@torch.inference_mode()
def test_heads_come_close(model: WaveletModel, expected: Tensor, size: int, least: float) -> None:
    """On codes as photos have them."""
    codes = model.encode(expected[:1].clamp(-1, 1))
    true = F.interpolate(model.decode(codes), (size, size), mode="area")
    assert decibels(model.decode(codes, size), true) > least


@pytest.mark.parametrize("window", [Window(5, 9, 33, 21), Window(40, 0, 24, 30)])
@pytest.mark.parametrize("size", [512, FULL])
@torch.inference_mode()
def test_windows_show_what_the_whole_picture_does(
    model: WaveletModel, styles: Tensor, window: Window, size: int
) -> None:
    features = model.painter.features(styles[:1], 4)
    for painter in (model.painter, Painter(model.decoder, model.networks.heads)):
        whole = painter.image(features, styles[:1], 4, size)
        part = painter.image(features, styles[:1], 4, size, window)
        assert part.shape == window.of(whole).shape
        assert (window.inner(part) - window.core.of(whole)).abs().max() < 1e-4


@torch.inference_mode()
def test_outside_of_a_window_faces_are_drawn_roughly(model: WaveletModel, styles: Tensor) -> None:
    codes = model.sample(1, seed=11)
    window = Window(30, 20, 20, 24)
    whole, part = model.draw(codes, 512), model.draw(codes, 512, window)
    core = window.core.of(part.image)
    assert (core - window.core.of(whole.image)).abs().max() < 1e-4
    assert decibels(part.image, whole.image) > 20
    assert torch.equal(part.person, whole.person)


@torch.inference_mode()
def test_bands_leave_no_trace(
    model: WaveletModel, styles: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = styles[:1]
    features = model.painter.features(one, 5)
    usual = model.painter.image(features, one, 5, FULL)
    monkeypatch.setattr(fast, "BAND", 82)
    assert (model.painter.image(features, one, 5, FULL) - usual).abs().max() < 1e-4


@torch.inference_mode()
def test_without_onednn_it_draws_the_same(
    model: WaveletModel, styles: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = styles[:1]
    usual = model.painter.features(one, 3)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert torch.allclose(model.painter.features(one, 3), usual, atol=1e-3)


@torch.inference_mode()
def test_the_precision_of_this_machine_is_close(
    model: WaveletModel, styles: Tensor, expected: Tensor
) -> None:
    half = FastDecoder(model.decoder, Heads(), working_precision("cpu"))
    assert decibels(half.image(half.features(styles, 4), styles, 4, FULL), expected) > 45


def decibels(image: Tensor, true: Tensor) -> float:
    error = (image.clamp(-1, 1) - true.clamp(-1, 1)).square().mean()
    return float(10 * torch.log10(4 / error))
