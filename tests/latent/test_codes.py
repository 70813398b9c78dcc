"""Codes: which slots belong to which scale, mixing, and what must not mix."""

from __future__ import annotations

import pytest
import torch

from facemod.errors import UsageError
from facemod.latent.codes import Codes, Scale, concatenate, scale_of

RESOLUTIONS = (4, 8, 16, 64, 128, 1024)


def codes(value: float, faces: int = 1, family: str = "wavelet") -> Codes:
    return Codes(torch.full((faces, len(RESOLUTIONS), 2), float(value)), family, RESOLUTIONS)


@pytest.mark.parametrize(
    ("resolution", "scale"),
    [
        (4, Scale.COARSE),
        (8, Scale.COARSE),
        (16, Scale.MID),
        (64, Scale.MID),
        (128, Scale.FINE),
        (2048, Scale.FINE),
    ],
)
def test_the_three_ranges_of_the_paper(resolution, scale):
    assert scale_of(resolution) is scale


def test_slots_of_a_scale():
    slots = {scale: codes(0).slots(scale) for scale in Scale}
    assert slots == {Scale.COARSE: (0, 1), Scale.MID: (2, 3), Scale.FINE: (4, 5)}


def test_styles_must_match_the_slots():
    with pytest.raises(ValueError, match="do not match 6 slots"):
        Codes(torch.zeros(1, 5, 2), "wavelet", RESOLUTIONS)
    with pytest.raises(ValueError, match="do not match"):
        Codes(torch.zeros(6, 2), "wavelet", RESOLUTIONS)


def test_mixing_takes_the_slots_and_nothing_else():
    base, source = codes(1), codes(2)
    mixed = base.with_slots((0, 4), source)
    assert mixed.styles[0, :, 0].tolist() == [2, 1, 1, 1, 2, 1]
    assert base.styles.eq(1).all()
    assert source.styles.eq(2).all()


def test_one_source_serves_many_faces():
    assert codes(1, faces=3).with_slots((5,), codes(2)).styles[:, 5].eq(2).all()


def test_shifting_leaves_the_original_alone():
    base = codes(1, faces=2)
    direction = torch.zeros(len(RESOLUTIONS), 2)
    direction[3] = 0.5
    assert base.shifted(direction).styles[:, 3].eq(1.5).all()
    assert base.shifted(direction).styles[:, :3].eq(1).all()
    assert base.styles.eq(1).all()


def test_a_zero_shift_is_exact():
    styles = torch.randn(2, 6, 2)
    base = Codes(styles, "wavelet", RESOLUTIONS)
    assert torch.equal(base.shifted(torch.zeros(6, 2)).styles, styles)


@pytest.mark.parametrize(
    "stranger", [codes(0, family="pioneer"), Codes(torch.zeros(1, 1, 2), "wavelet", (4,))]
)
def test_codes_of_different_models_never_mix(stranger):
    with pytest.raises(UsageError, match="same --model"):
        codes(1).with_slots((0,), stranger)
    with pytest.raises(UsageError):
        concatenate([codes(1), stranger])


def test_indexing_keeps_a_batch():
    both = concatenate([codes(1), codes(2)])
    assert len(both) == 2
    assert both[0].styles.shape == (1, 6, 2)
    assert both[-1].styles.eq(2).all()
    assert len(both[:]) == 2
