"""Descent on a toy decoder: a mouth that smiles, and a forehead that should not move."""

from __future__ import annotations

import pytest
import torch

from facemod.training.judges.judge import NAMES, STILL, indices
from facemod.training.presets.polish import (
    Faces,
    change_where,
    disturbed,
    dragged_along,
    firmness,
    polished,
    signed_strengths,
    within,
)
from facemod.training.presets.recipes import RECIPES, Recipe, region_mask, target_weights

SLOTS, DIM = 16, 4
SMILE, AGE = indices(["smile", "age"])
TOY = Recipe("toy", "", "Face", (3, 5), {"smile": 1.0}, region="mouth")


class ToyStudio:
    """Number 0 of the slots that may move lights the mouth, number 1 the forehead."""

    def sketch(self, styles: torch.Tensor) -> torch.Tensor:
        levels = styles[:, 3:6].mean(1)
        images = torch.zeros(len(styles), 3, 128, 128)
        images[:, :, 85:105, 50:80] = levels[:, 0, None, None, None]
        images[:, :, 20:40, 50:80] = levels[:, 1, None, None, None]
        return images


class ToyTeacher:
    """Smiles are bright mouths and, less, bright foreheads, which look older, too."""

    units = torch.ones(len(NAMES))

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        mouth, forehead = images[:, 0, 90:100, 55:75], images[:, 0, 25:35, 55:75]
        told = torch.zeros(len(images), len(STILL))
        told[:, SMILE] = mouth.mean((1, 2)) + 0.5 * forehead.mean((1, 2))
        told[:, AGE] = forehead.mean((1, 2))
        return told


@pytest.fixture(scope="module")
def found() -> torch.Tensor:
    studio, styles = ToyStudio(), 0.1 * torch.randn(12, SLOTS, DIM)
    start = torch.zeros(SLOTS, DIM)
    start[3:6, :2] = torch.tensor([0.2, 0.8])  # mostly the forehead
    faces = Faces(styles, studio.sketch(styles))
    return polished(TOY, start, studio, ToyTeacher(), faces, torch.eye(DIM), steps=60, seed=0)


def test_it_finds_the_target_and_leaves_the_rest(found: torch.Tensor) -> None:
    mouth, forehead = found[3:6, :2].mean(0).tolist()
    assert mouth == pytest.approx(1, abs=0.2)
    assert abs(forehead) < 0.1


def test_only_the_slots_of_the_recipe_move(found: torch.Tensor) -> None:
    assert found.any(1).nonzero().flatten().tolist() == [3, 4, 5]


def test_the_same_seed_gives_the_same_direction(found: torch.Tensor) -> None:
    studio, styles = ToyStudio(), torch.zeros(2, SLOTS, DIM)
    faces, start = Faces(styles, studio.sketch(styles)), torch.zeros(SLOTS, DIM)
    first, second = (
        polished(TOY, start, studio, ToyTeacher(), faces, torch.eye(DIM), steps=3, seed=1)
        for _ in range(2)
    )
    assert torch.equal(first, second)
    assert first.any()


def test_targets_are_free_and_main_measures_held_most() -> None:
    smile = next(recipe for recipe in RECIPES if recipe.name == "smile")
    held = dict(zip(NAMES, firmness(smile).tolist(), strict=True))
    assert held["smile"] == held["high-cheeks"] == 0
    assert held["age"] > held["pale"] > held["eye-blue"] > 0
    assert held["eye-open"] == held["age"] / 2  # kin, and what another main preset stands for
    for recipe in RECIPES:
        assert not (firmness(recipe) * target_weights(recipe).ne(0)).any()


def test_what_all_faces_do_together_counts_more_than_what_each_does_alone() -> None:
    together = torch.ones(4, len(NAMES))
    alone = together * torch.tensor([1.0, -1.0, 1.0, -1.0])[:, None]
    assert float(dragged_along(together)) > 2 * float(dragged_along(alone)) > 0


def test_changes_count_only_within_the_mask() -> None:
    before = torch.zeros(1, 3, 128, 128)
    after = before.clone()
    after[:, :, :8] = 1  # the forehead is outside of the mouth
    mask = region_mask("mouth")
    assert float(change_where(before, after, mask)) == 0
    assert float(change_where(before, after, ~mask)) == pytest.approx(8 / 128)


def test_pairs_are_disturbed_alike_but_for_the_noise() -> None:
    image = torch.rand(1, 3, 128, 128)
    both = disturbed(torch.cat([image, image]), torch.Generator().manual_seed(1))
    assert both.shape == (2, 3, 128, 128)
    assert float((both[0] - both[1]).mean().abs()) < 0.01
    assert float((both[0] - image[0]).abs().mean()) > 0.02


def test_half_of_the_strengths_are_negative() -> None:
    strengths = signed_strengths(torch.Generator().manual_seed(0))
    assert (strengths < 0).sum() == len(strengths) // 2
    assert float(strengths.abs().min()) >= 0.4
    assert float(strengths.abs().max()) <= 1.5


def test_a_move_of_some_slots_is_zero_elsewhere() -> None:
    placed = within(torch.ones(2, DIM), SLOTS, 3)
    assert placed.shape == (SLOTS, DIM)
    assert placed.any(1).nonzero().flatten().tolist() == [3, 4]
