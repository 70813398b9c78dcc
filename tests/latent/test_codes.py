"""Codes: which slots belong to which scale, mixing, and what must not mix."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facemod.errors import UsageError
from facemod.latent.codes import Codes, Details, Scale, concatenate, scale_of
from facemod.latent.interpolate import between

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


def detailed(value: float, faces: int = 1) -> Codes:
    plain = codes(value, faces)
    maps = torch.full((faces, 3, 4, 4), float(value))
    return replace(plain, details=(Details.of(maps, plain.styles),))


def test_details_give_way_as_readily_as_they_are_told():
    usual, ready = detailed(1), detailed(1).giving_way(2).giving_way(1.5)
    both = concatenate([usual, ready, codes(2)])
    assert both.details[0].yielding.tolist() == [1, 3, 1]
    assert both.details[0].weights.tolist() == [1, 1, 0]
    assert usual.details[0].yielding.tolist() == [1]


def test_details_are_sliced_with_the_faces():
    first = detailed(1, faces=3)[0]
    assert first.details[0].maps.shape == (1, 3, 4, 4)
    assert len(first.details[0].styles) == len(first.details[0].weights) == 1


def test_edits_keep_the_details_and_the_styles_that_they_go_with():
    moved = detailed(1).shifted(torch.ones(len(RESOLUTIONS), 2))
    assert torch.equal(moved.details[0].styles, detailed(1).styles)


@pytest.mark.parametrize(("slots", "owner"), [([0, 1], 1), ([0, 1, 2], 2), ([3, 4, 5], 1)])
def test_details_follow_the_photo_that_gives_most_slots_below_them(slots, owner):
    mixed = detailed(1).with_slots(slots, detailed(2))
    assert float(mixed.details[0].maps.mean()) == owner


def test_details_of_one_photo_serve_many():
    mixed = detailed(1, faces=2).with_slots([0, 1, 2], detailed(2))
    assert mixed.details[0].maps.shape[0] == len(mixed) == 2


def test_a_sample_lends_no_details():
    assert detailed(1).with_slots([0, 1, 2], codes(2)).details == ()


def test_details_cross_over_between_two_photos():
    from_a, from_b = between(detailed(1), detailed(2), 0.25).details
    assert (float(from_a.maps.mean()), float(from_a.weights)) == (1, 0.75)
    assert (float(from_b.maps.mean()), float(from_b.weights)) == (2, 0.25)


def test_a_batch_of_photos_and_samples_shows_details_of_the_photos_only():
    (entry,) = concatenate([detailed(1, faces=2), codes(0)]).details
    assert entry.weights.tolist() == [1, 1, 0]
    assert entry.maps.shape == (3, 3, 4, 4)
