"""What an outline leaves behind goes with what is uncovered; the rest of the background stays."""

from __future__ import annotations

import torch

from facemod.fidelity.leftovers import uncover
from facemod.tensors.blur import gaussian_blur

SIDE = 256
HAIR, WALL = -0.6, 0.4


def scene(piece: slice, shade: float = HAIR) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A photo of a person at the left, what is thought to hide the wall, and what is uncovered.

    ``piece`` are columns beside the person, of some rows, in some shade.
    """
    photo = torch.full((1, 3, SIDE, SIDE), WALL)
    photo[..., :120] = HAIR
    photo[..., 100:140, piece] = shade
    hidden = torch.zeros(1, 1, SIDE, SIDE)
    hidden[..., :122] = 1
    uncovered = torch.zeros(1, 1, SIDE, SIDE)
    uncovered[..., 80:122] = 1
    return photo, hidden, uncovered


def result_of(piece: slice, shade: float = HAIR) -> tuple[torch.Tensor, torch.Tensor]:
    photo, hidden, uncovered = scene(piece, shade)
    change = torch.zeros_like(photo)
    person = torch.zeros(1, 1, SIDE, SIDE)
    person[..., :120] = 1
    free = torch.ones(1, 1, SIDE, SIDE)
    free[..., :80] = 0
    share = uncover(change, photo, person, hidden, uncovered, free)
    assert share.min() >= 0
    assert share.max() <= 1
    return photo, photo + change


def test_what_is_uncovered_shows_the_wall():
    _, result = result_of(slice(0, 0))
    assert (result[..., 84:118] - WALL).abs().max() < 0.05


def test_a_piece_of_hair_that_the_outline_missed_goes_too():
    _, result = result_of(slice(120, 126))
    assert (result[..., 105:135, 121:125] - WALL).abs().max() < 0.1


def test_what_has_not_the_colours_of_the_person_stays():
    photo, result = result_of(slice(124, 127), shade=1.0)
    assert (result - photo)[..., 105:135, 124:127].abs().max() < 0.02


def test_a_piece_that_is_not_connected_stays():
    photo, result = result_of(slice(150, 156))
    assert torch.equal(result[..., 135:], photo[..., 135:])


def test_where_nothing_else_is_known_what_is_near_decides():
    """A little of a background is better than none of it."""
    photo, hidden, uncovered = scene(slice(0, 0))
    hidden[..., 125:] = 1
    hidden[:, :, 60:, :] = 1
    photo[..., 125:] = -1.0
    change, person = torch.zeros_like(photo), torch.zeros_like(hidden)
    uncover(change, photo, person, hidden, uncovered, torch.ones_like(hidden))
    assert ((photo + change)[..., :60, 84:118] - WALL).abs().max() < 0.1


def test_an_outline_that_trembles_hardly_moves_the_filling():
    """As it does from frame to frame in films."""
    photo, hidden, uncovered = scene(slice(120, 126))
    hidden = gaussian_blur(hidden, 0.01)
    person, free = torch.zeros_like(hidden), torch.ones_like(hidden)
    person[..., :120], free[..., :80] = 1, 0
    results = []
    for seed in range(2):
        generator = torch.Generator().manual_seed(seed)
        trembling = hidden + 0.02 * torch.randn(hidden.shape, generator=generator)
        change = torch.zeros_like(photo)
        uncover(change, photo, person, trembling.clamp(0, 1), uncovered, free)
        results.append(gaussian_blur(photo + change, 0.01))
    assert (results[0] - results[1]).abs().max() < 0.05
