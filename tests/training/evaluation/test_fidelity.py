"""The measures of fidelity, on pictures whose answers are known."""

from __future__ import annotations

import math

import pytest
import torch

from facemod.models.base import Drawn
from facemod.training.evaluation import fidelity

SIDE = 64


@pytest.fixture
def photo() -> torch.Tensor:
    return torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0)) * 0.5


def test_the_face_is_cut_out_of_the_square():
    square = torch.arange(float(SIDE)).expand(1, 3, SIDE, SIDE)
    assert fidelity.face_of(square)[0, 0, 0].tolist() == [float(i) for i in range(14, 49)]


def test_a_change_without_a_rim_has_no_step_and_a_sharp_one_has_its_height():
    nothing = torch.zeros(1, 3, SIDE, SIDE)
    assert fidelity.border_step(nothing) == 0
    square = nothing.clone()
    square[..., 20:40, 20:40] = 0.2
    assert fidelity.border_step(square) == pytest.approx(0.2 * 127.5, rel=1e-4)


def test_sharpness_looks_at_what_stands_still(photo):
    still, moved = torch.zeros(1, 1, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)
    assert fidelity.sharpness(photo, still) > 4 * fidelity.sharpness(photo * 0.4, still)
    assert math.isnan(fidelity.sharpness(photo, moved))


def test_a_decoder_that_draws_the_photo_leaves_no_seam(photo, monkeypatch):
    monkeypatch.setattr(fidelity, "resemblance", lambda *given: {})
    monkeypatch.setattr(fidelity, "similarity", lambda *given: 1.0)
    everywhere = torch.ones(1, 1, SIDE, SIDE)
    drawn = Drawn(photo, everywhere)
    found = fidelity.seam(None, photo, drawn, drawn, everywhere)
    assert found["colour step at the border, of 255"] == 0
    assert found["sharpness of unedited skin"] == pytest.approx(1)
    assert found["ghost"] == 0


def test_what_the_decoder_makes_of_the_background_leaves_no_seam(photo, monkeypatch):
    """As in results: none of it is carried over."""
    monkeypatch.setattr(fidelity, "resemblance", lambda *given: {})
    monkeypatch.setattr(fidelity, "similarity", lambda *given: 1.0)
    person = torch.zeros(1, 1, SIDE, SIDE)
    person[..., : SIDE // 2] = 1
    lighter = photo + 0.5 * (1 - person)
    everywhere = torch.ones(1, 1, SIDE, SIDE)
    found = {
        name: fidelity.seam(None, photo, Drawn(photo, known), Drawn(lighter, known), everywhere)
        for name, known in (("known", person), ("unknown", everywhere))
    }
    step = "colour step at the border, of 255"
    assert found["known"][step] < 0.5 * found["unknown"][step]


def test_the_table_shows_means_of_what_could_be_measured():
    rows = {
        "encode": [{"a": 1.0, "b": math.nan}, {"a": 3.0, "b": 5.0}],
        "refine": [{"a": math.nan, "b": 1.0}],
    }
    assert fidelity.rows_as_table(rows).splitlines() == [
        "| | a | b |", "|---|---|---|", "| encode | 2.00 | 5.00 |", "| refine | none | 1.00 |"
    ]  # fmt: skip
