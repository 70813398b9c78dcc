"""Random edits: what is done to styles is done to codes, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM
from facemod.models.wavelet.mapping import Mapping
from facemod.training.bundled.edits import EditDraws

FACES = 40


@pytest.fixture(scope="module")
def draws() -> EditDraws:
    return EditDraws(Mapping())


@pytest.fixture
def styles() -> torch.Tensor:
    return torch.randn(FACES, SLOTS, STYLE_DIM, generator=torch.Generator().manual_seed(1))


def test_codes_go_the_way_of_styles(draws, styles):
    apart = torch.full((1, 1, STYLE_DIM), 0.25)
    moved, codes = draws.draw(styles, styles + apart, np.random.default_rng(0))
    between = (
        (codes - moved).abs().amax(2)
    )  # the same everywhere, or nothing where slots were mixed
    assert torch.all(torch.isclose(between, torch.tensor(0.25), atol=1e-4) | (between == 0))
    assert (between == 0).any() and (between > 0).any()


def test_some_faces_stay_unless_all_are_to_be_edited(draws, styles):
    def changed(**how: bool) -> int:
        moved, _ = draws.draw(styles, styles, np.random.default_rng(2), **how)
        return int((moved != styles).flatten(1).any(1).sum())

    assert 0 < changed() < FACES
    assert changed(always=True) > changed()


def test_what_was_given_is_not_written_to(draws, styles):
    before = styles.clone()
    draws.draw(styles, styles, np.random.default_rng(0), always=True)
    assert torch.equal(styles, before)
