"""Fitting the small heads to what the full decoder shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facemod.models.wavelet.model import load
from facemod.training.bundled.heads import SIDE, cut_squares, fit_head, fit_heads, squares_of
from facemod.training.settings import HeadOptions
from facemod.weights.files import load_weights


@pytest.fixture(scope="module")
def model():
    return load()


def test_squares_beyond_the_border_are_filled_with_zeros():
    image = torch.arange(1.0, 17).reshape(1, 4, 4)
    inside, outside = squares_of(image, [(1, 2), (-1, 3)], 2)
    assert inside.tolist() == [[[7, 8], [11, 12]]]
    assert outside.tolist() == [[[0, 0], [4, 0]]]


def test_squares_show_what_the_decoder_draws_there(model):
    squares = cut_squares(model, None, 1, np.random.default_rng(3))
    assert squares.features.shape[-1] == SIDE
    assert {size: pixels.shape[-1] for size, pixels in squares.pixels.items()} == {
        256: SIDE, 512: 2 * SIDE
    }  # fmt: skip


def test_a_head_learns_to_draw_them(model):
    squares = cut_squares(model, None, 2, np.random.default_rng(0))
    head = next(iter(model.networks.heads.values()))
    before = {name: tensor.clone() for name, tensor in head.state_dict().items()}
    try:
        errors = list(fit_head(head.requires_grad_(True), model.decoder, squares, 60))
        assert np.mean(errors[-10:]) < 0.5 * np.mean(errors[:10])
    finally:
        head.load_state_dict(before)


def test_the_weight_file_holds_all_heads(tmp_path, model):
    told: list[str] = []
    fit_heads(tmp_path / "heads.safetensors", HeadOptions(pictures=1, steps=4), told.append)
    state, facts = load_weights(tmp_path / "heads.safetensors")
    assert set(state) == set(model.networks.heads.state_dict())
    assert facts["family"] == "wavelet"
    assert [line.split(":")[0] for line in told] == ["256 px", "512 px"]
