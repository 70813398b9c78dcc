"""Filling in the background: what is known stays, and the rest is made of it."""

from __future__ import annotations

import pytest
import torch

from facemod.fidelity.fill import filling, spread

SIDE = 96


def hole(size: int = 32) -> torch.Tensor:
    """1 but for a square in the middle."""
    known = torch.ones(1, 1, SIDE, SIDE, dtype=torch.bool)
    start = (SIDE - size) // 2
    known[..., start : start + size, start : start + size] = False
    return known


def filled(
    picture: torch.Tensor, known: torch.Tensor, wanted: torch.Tensor | None = None
) -> torch.Tensor:
    """A picture [1, 3, S, S] with what is behind a person in it."""
    everywhere = torch.ones_like(known) if wanted is None else wanted
    places, colours = filling(picture[0], known[0, 0], everywhere[0, 0])
    result = picture[0].flatten(1).clone()
    result[:, places] = colours
    return result.view_as(picture)


def noise(seed: int, strength: float) -> torch.Tensor:
    return strength * torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def test_what_is_known_keeps_its_value() -> None:
    picture, known = noise(1, 0.3), hole()
    result = filled(picture, known)
    assert torch.equal(result[known.expand(1, 3, -1, -1)], picture[known.expand(1, 3, -1, -1)])


def test_what_was_in_the_hole_does_not_matter() -> None:
    picture, known = noise(1, 0.3), hole()
    other = picture + (~known) * 0.9
    assert torch.allclose(filled(picture, known), filled(other, known), atol=1e-5)


@pytest.mark.parametrize("side", [64, 96, 300])
def test_a_plain_wall_goes_on(side: int) -> None:
    wall = torch.tensor([0.4, -0.2, 0.1])[None, :, None, None].expand(1, 3, side, side)
    known = torch.ones(1, 1, side, side, dtype=torch.bool)
    known[..., side // 4 : side // 2, side // 4 :] = False
    assert torch.allclose(filled(wall, known), wall, atol=1e-4)


def test_between_two_walls_there_are_colours_of_both() -> None:
    picture = torch.full((1, 3, SIDE, SIDE), -0.5)
    picture[..., SIDE // 2 :] = 0.5
    row = spread(picture, hole().float())[0, 0, SIDE // 2, 32:64]
    assert row[:4].mean() < -0.25
    assert row[-4:].mean() > 0.25
    assert row.diff().min() > -0.05


def test_a_grainy_wall_goes_on_grainy() -> None:
    known = hole(24)
    grain = filled(noise(3, 0.1), known)[(~known).expand(1, 3, -1, -1)]
    assert 0.07 < float(grain.std()) < 0.13


def test_only_what_is_wanted_is_made_up() -> None:
    picture, known = noise(1, 0.3), hole()
    wanted = torch.zeros_like(known)
    wanted[..., : SIDE // 2] = True
    result = filled(picture, known, wanted)
    assert torch.equal(result[..., SIDE // 2 :], picture[..., SIDE // 2 :])
    assert torch.equal(result[..., : SIDE // 2], filled(picture, known)[..., : SIDE // 2])


def test_what_is_known_may_be_told_on_a_small_picture() -> None:
    picture, known = noise(1, 0.3), hole()
    small = known[..., ::4, ::4]
    places, _ = filling(picture[0], small[0, 0], torch.ones(SIDE, SIDE, dtype=torch.bool))
    assert torch.equal(places, (~known).flatten().nonzero()[:, 0])


def test_nothing_known_gives_no_trouble() -> None:
    result = filled(noise(1, 0.3), torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool))
    assert torch.isfinite(result).all()
