"""Every second picture of a slow walk is made of its neighbours; a fast walk is drawn whole."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from facemod.editing.inbetween import cubic, walked


class Drawer:
    """Draws flat pictures whose brightness is a function of the place, and notes the places."""

    def __init__(self, brightness) -> None:
        self.brightness = brightness
        self.places: list[list[int]] = []

    def __call__(self, places) -> Tensor:
        self.places.append(list(places))
        return torch.stack([self.picture(place) for place in places])

    def picture(self, place: int) -> Tensor:
        return torch.full((3, 2, 2), self.brightness(place))

    @property
    def drawn(self) -> list[int]:
        return sorted(place for places in self.places for place in places)


def slow(place: int) -> float:
    return (place / 40) ** 3 - 0.5


def fast(place: int) -> float:
    return 0.5 * math.sin(place)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 21])
def test_a_slow_walk_draws_every_second_picture_and_the_last(count):
    draw = Drawer(slow)
    pictures = torch.cat(list(walked(draw, count)))
    wanted = torch.stack([draw.picture(place) for place in range(count)])
    assert torch.allclose(pictures, wanted, atol=0.002 if count < 8 else 1e-5)
    assert draw.drawn == sorted({*range(0, count, 2), count - 1})


def test_a_fast_walk_draws_every_picture_exactly():
    draw = Drawer(fast)
    pictures = torch.cat(list(walked(draw, 20)))
    assert torch.equal(pictures, torch.stack([draw.picture(place) for place in range(20)]))
    assert draw.drawn == list(range(20))


def test_pictures_are_drawn_as_late_as_possible():
    draw = Drawer(slow)
    walk = walked(draw, 20)
    next(walk)
    assert draw.places == [[0]]
    next(walk)
    assert draw.drawn == [0, 2, 4, 6]


def test_batches_hold_neighbours():
    draw = Drawer(slow)
    list(walked(draw, 20, batch=4))
    assert draw.places == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18, 19]]


def test_what_was_given_out_stays_in_the_range():
    """A cubic overshoots at edges."""
    steps = [-1.0, -1.0, -1.0, -1.0, -0.999, -0.997, -0.994, -0.99, -0.985]
    pictures = torch.cat(list(walked(Drawer(lambda place: steps[place]), len(steps))))
    assert pictures.min() >= -1


def test_cubic_weights_add_up_and_hit_cubics():
    weights = cubic([0, 2, 4, 7], 3)
    assert sum(weights.values()) == pytest.approx(1)
    assert sum(w * place**3 for place, w in weights.items()) == pytest.approx(27)
