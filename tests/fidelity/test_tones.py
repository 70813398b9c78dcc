"""Edits of photos in one tone stay in it."""

from __future__ import annotations

import pytest
import torch

from facemod.fidelity.tones import Toned, brightness, natural_curve, tones
from facemod.models.registry import load_model
from facemod.models.wavelet.details import SHAPING

SIDE = 160


def greys(seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 1, 20, 20, generator=generator) * 1.8 - 0.9
    return torch.nn.functional.interpolate(small, (SIDE, SIDE), mode="bilinear").expand(
        -1, 3, -1, -1
    )


def colours(strength: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return strength * (torch.rand(1, 3, SIDE, SIDE, generator=generator) - 0.5)


def sepia(grey: torch.Tensor) -> torch.Tensor:
    """Warm in the middle of the scale, neutral at its ends."""
    warm = torch.tensor([0.12, 0.0, -0.16])[:, None, None]
    return grey + (1 - grey.square()) * warm


def test_an_edit_of_a_grey_photo_is_grey() -> None:
    grey = greys()
    result = grey + Toned.of(grey).keeping(colours(0.4))
    assert (result - result.mean(1, keepdim=True)).abs().max() < 1e-6


def test_it_gets_as_bright_as_the_edit_wants() -> None:
    grey, change = greys(), colours(0.2)
    assert torch.allclose(brightness(Toned.of(grey).keeping(change)), brightness(change), atol=1e-5)


def test_an_edit_of_a_sepia_photo_is_sepia() -> None:
    photo = sepia(greys())
    result = photo + Toned.of(photo).keeping(colours(0.4))
    wanted = sepia(brightness(result) - brightness(sepia(torch.zeros(1, 3, 1, 1))))
    assert (result - wanted).abs().mean() < 0.02
    assert (photo + colours(0.4) - wanted).abs().mean() > 0.05


def test_nothing_stays_nothing() -> None:
    photo = sepia(greys()) + colours(0.02)
    assert not Toned.of(photo).keeping(torch.zeros_like(photo)).any()


def test_coloured_photos_are_left_alone() -> None:
    photo, change = torch.cat((greys() + colours(0.6), greys())), colours(0.3).expand(2, -1, -1, -1)
    result = Toned.of(photo).keeping(change)
    assert torch.equal(result[0], change[0])
    assert not torch.equal(result[1], change[1])


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_flat_photo_gives_no_trouble(value: float) -> None:
    flat = torch.full((1, 3, SIDE, SIDE), value)
    assert torch.isfinite(Toned.of(flat).keeping(colours(0.4))).all()


def test_only_photos_in_one_tone_are_coloured_as_bright_as_they_are() -> None:
    photos = torch.cat((greys() + colours(0.6), sepia(greys())))
    coloured = Toned.of(photos).coloured
    assert torch.equal(coloured[0], photos[0])
    assert torch.allclose(brightness(coloured), brightness(photos), atol=1e-5)
    warmth = coloured[1, 0] - coloured[1, 2]
    assert warmth.mean() > 0.3


def test_natural_colours_are_those_of_faces_that_the_decoder_draws() -> None:
    model = load_model()
    faces = model.decode(model.sample(12, seed=4), 256)[..., 51:230, 51:205]
    seen = torch.cat([*faces], dim=-1)
    bright, middle = brightness(seen), natural_curve()[:, 8:25].mean(1)
    shown = ((bright > -0.5) & (bright < 0.5)).expand_as(seen)
    means = (seen - bright)[shown].reshape(3, -1).mean(1)
    assert torch.allclose(means, middle, atol=0.08)


def test_grey_faces_are_encoded_nearer_to_where_coloured_ones_are() -> None:
    model = load_model()
    photos = model.decode(model.sample(2, seed=4), 256)
    grey = brightness(photos).expand_as(photos)
    assert all(tones(photo) is not None for photo in grey)
    known, gray, coloured = (
        model.encode(x).styles[:, SHAPING:] for x in (photos, grey, Toned.of(grey).coloured)
    )
    assert (coloured - known).norm() < 0.6 * (gray - known).norm()


def test_what_the_decoder_draws_of_a_sepia_photo_is_sepia() -> None:
    photo, picture = sepia(greys()), greys() + colours(0.6)
    shown = Toned.of(photo).toning(picture)
    assert torch.allclose(brightness(shown), brightness(picture), atol=0.02)
    assert tones(shown[0]) is not None
    coloured = greys() + colours(0.6)
    assert torch.equal(Toned.of(coloured).toning(picture), picture)
