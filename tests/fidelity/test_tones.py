"""Edits of photos in one tone stay in it."""

from __future__ import annotations

import pytest
import torch

from facemod.fidelity.tones import brightness, in_tones

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
    result = grey + in_tones(grey, colours(0.4))
    assert (result - result.mean(1, keepdim=True)).abs().max() < 1e-6


def test_it_gets_as_bright_as_the_edit_wants() -> None:
    grey, change = greys(), colours(0.2)
    assert torch.allclose(brightness(in_tones(grey, change)), brightness(change), atol=1e-5)


def test_an_edit_of_a_sepia_photo_is_sepia() -> None:
    photo = sepia(greys())
    result = photo + in_tones(photo, colours(0.4))
    wanted = sepia(brightness(result) - brightness(sepia(torch.zeros(1, 3, 1, 1))))
    assert (result - wanted).abs().mean() < 0.02
    assert (photo + colours(0.4) - wanted).abs().mean() > 0.05


def test_nothing_stays_nothing() -> None:
    photo = sepia(greys()) + colours(0.02)
    assert not in_tones(photo, torch.zeros_like(photo)).any()


def test_coloured_photos_are_left_alone() -> None:
    photo, change = torch.cat((greys() + colours(0.6), greys())), colours(0.3).expand(2, -1, -1, -1)
    result = in_tones(photo, change)
    assert torch.equal(result[0], change[0])
    assert not torch.equal(result[1], change[1])


@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_flat_photo_gives_no_trouble(value: float) -> None:
    flat = torch.full((1, 3, SIDE, SIDE), value)
    assert torch.isfinite(in_tones(flat, colours(0.4))).all()
