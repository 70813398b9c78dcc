"""Strengths to choose from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from facemod.latent.presets import by_panel, get_preset
from facemod.latent.spreads import extremes, rows_around, spread, spread_around, written
from facemod.latent.strengths import Strength


def preset(low, high):
    return replace(get_preset("smile"), range=(low, high))


@pytest.mark.parametrize(
    ("span", "values"),
    [
        ((-3, 3), [-3, -1.5, 0, 1.5, 3]),
        ((0, 2), [0, 0.5, 1, 1.5, 2]),
        ((-1, 0), [-1, -0.75, -0.5, -0.25, 0]),
    ],
)
def test_five_strengths_over_the_range(span, values):
    assert [strength.value for strength in spread(preset(*span))] == values


@pytest.mark.parametrize(
    ("given", "values"),
    [
        (1.5, [-3, -1.5, 0, 1.5, 3]),
        (1, [-3, -1.5, 0, 1, 3]),
        (0.25, [-3, -1.5, 0, 0.25, 3]),
        (4, [-3, -1.5, 0, 1.5, 4]),
    ],
)
def test_the_given_strength_takes_the_place_of_the_nearest_change(given, values):
    row = spread_around(Strength(given), preset(-3, 3))
    assert [strength.value for strength in row] == values


def test_levels_stay_levels():
    row = spread_around(Strength(0.3, absolute=True), preset(-3, 3))
    assert [str(strength) for strength in row] == ["to:-2", "to:-1", "to:+0.3", "to:+1", "to:+2"]


def test_each_row_moves_one_preset_and_keeps_the_others():
    rows = rows_around({"smile": Strength(1), "age": Strength(-0.5)})
    assert [written(cell) for cell in rows[1]][1:3] == ["age -0.5, smile +1", "age +0, smile +1"]
    assert all(cell["age"] == Strength(-0.5) for cell in rows[0])
    assert all(cell["smile"] == Strength(1) for cell in rows[1])
    assert all(rows[i].count({"smile": Strength(1), "age": Strength(-0.5)}) == 1 for i in (0, 1))


@pytest.mark.parametrize(
    ("span", "values"),
    [((-3, 3), [-1, 1]), ((-0.5, 2), [-0.5, 1]), ((0, 2), [0.5, 1]), ((-0.6, 0), [-0.6, -0.3])],
)
def test_one_less_and_one_more_within_the_range(span, values):
    assert [strength.value for strength in extremes(preset(*span))] == values


def test_panels_have_an_order():
    hair, own, smile = (replace(preset(-1, 1), panel=p) for p in ("Hair", "Zebras", "Expression"))
    assert list(by_panel({"own": own, "hair": hair, "a": hair, "smile": smile})) == [
        "smile", "a", "hair", "own",
    ]  # fmt: skip


def test_labels_have_two_decimals():
    read = Strength(-0.0172386, absolute=True, like="photos/b.jpg")
    assert written({"smile": read, "age": Strength(0.5)}) == "smile to:-0.02, age +0.5"
