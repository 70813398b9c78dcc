"""A toy world whose scores are linear in the styles, so that the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facemod.latent.presets import find_presets
from facemod.training.directions import Regression
from facemod.training.judge import NAMES, head_pose
from facemod.training.recipes import RECIPES

DIM = 32
SMILE, AGE, GLASSES = range(3)


def toy_world() -> tuple[torch.Tensor, torch.Tensor]:
    """Styles of unequal spread [4000, DIM], and slopes [DIM, 3]: what smiles also looks older."""
    generator = torch.Generator().manual_seed(3)
    styles = torch.randn(4000, DIM, generator=generator) * torch.logspace(0, -1, DIM)
    slopes = torch.randn(DIM, 3, generator=generator)
    slopes[:, AGE] += 0.8 * slopes[:, SMILE]
    return styles, slopes


@pytest.fixture(scope="module")
def regression() -> Regression:
    styles, slopes = toy_world()
    return Regression.fit(styles, styles @ slopes, axes=DIM)


def true_effect(regression: Regression, firmness: float) -> torch.Tensor:
    move = regression.direction(SMILE, [AGE, GLASSES], firmness)
    return move @ regression.axes @ toy_world()[1]


def test_axes_are_as_long_as_the_spread_of_styles(regression: Regression) -> None:
    lengths = regression.axes.norm(dim=1)
    assert torch.allclose(lengths, torch.logspace(0, -1, DIM), rtol=0.1)


@pytest.mark.parametrize("firmness", [0.0, 8.0, 1e6])
def test_strength_one_raises_the_target_by_one(regression: Regression, firmness: float) -> None:
    assert true_effect(regression, firmness)[SMILE].item() == pytest.approx(1, abs=0.05)


def test_guards_are_dragged_along_less_the_firmer_they_are_held(regression: Regression) -> None:
    leaks = [true_effect(regression, f)[AGE].abs().item() for f in (0.0, 1.0, 1e6)]
    assert leaks[0] > 0.5
    assert leaks[0] > leaks[1] > leaks[2]
    assert leaks[2] < 0.02


def test_holding_guards_costs_naturalness(regression: Regression) -> None:
    lengths = [
        regression.direction(SMILE, [AGE], firmness).norm().item() for firmness in (0.0, 8.0, 1e6)
    ]
    assert lengths[0] < lengths[1] <= lengths[2]


def test_recipes_name_only_what_is_measured() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names)
    for recipe in RECIPES:
        assert {recipe.target, *recipe.guards} <= set(NAMES)
        assert recipe.target not in recipe.guards


def test_every_recipe_ships_as_a_preset_that_does_what_it_says() -> None:
    presets, problems = find_presets()
    assert not problems
    for recipe in RECIPES:
        preset = presets[recipe.name]
        assert preset.slots == recipe.slots
        assert preset.guards == recipe.guards
        assert preset.effects[recipe.target] > 0.5


def test_head_pose_points_where_the_nose_points() -> None:
    face = np.array([[-1.0, 0], [1, 0], [0, 1], [-0.7, 2], [0.7, 2]])
    turned, lifted = face.copy(), face.copy()
    turned[2, 0] += 0.3
    lifted[2, 1] -= 0.3
    assert head_pose(turned)[0] > head_pose(face)[0] == 0
    assert head_pose(lifted)[1] > head_pose(face)[1]
