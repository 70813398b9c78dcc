"""Solving recipes in a toy world whose response is known, and what the bundled presets promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facemod.latent.presets import find_presets
from facemod.training.directions import (
    LONGEST,
    Learnt,
    Problem,
    learn,
    level_of,
    region_mask,
    target_weights,
    told,
    write,
)
from facemod.training.judge import NAMES, indices
from facemod.training.recipes import GUARDS, PERSON, RECIPES, REGIONS, Recipe
from facemod.training.response import GROUPS, THUMB, Response, placed

AXES, DIM, SLOTS = 12, 16, 16
SMILE, AGE = indices(["smile", "age"])


@pytest.fixture(scope="module")
def response() -> Response:
    """Everything responds at random; what smiles looks older, too, and changes the forehead."""
    generator = torch.Generator().manual_seed(3)
    axes = torch.linalg.qr(torch.randn(DIM, DIM, generator=generator))[0][:AXES]
    axes = axes * torch.linspace(2, 0.5, AXES)[:, None]
    slopes = 0.3 * torch.randn(len(GROUPS), AXES, len(NAMES), generator=generator)
    slopes[..., AGE] += 0.8 * slopes[..., SMILE]
    thumbs = 0.05 * torch.randn(len(GROUPS), AXES, 3, THUMB, THUMB, generator=generator)
    return Response(axes, torch.ones(DIM), slopes, thumbs, torch.ones(len(NAMES)))


def recipe(**changes: object) -> Recipe:
    facts = {"name": "smile", "meaning": "", "panel": "Face", "slots": (3, 6)}
    return Recipe(**{**facts, "targets": {"smile": 1.0}, "region": "mouth", **changes})


def predicted(chosen: Recipe, response: Response) -> torch.Tensor:
    problem = Problem.of(chosen, response)
    return problem.solve().flatten() @ problem.slopes


@pytest.mark.parametrize("firmness", [0.0, 8.0, 1e4])
def test_strength_one_raises_the_target_by_one(response: Response, firmness: float) -> None:
    assert float(predicted(recipe(firmness=firmness), response)[SMILE]) == pytest.approx(
        1, abs=0.01
    )


def test_guards_are_dragged_along_less_the_firmer_they_are_held(response: Response) -> None:
    leaks = [
        float(predicted(recipe(firmness=f, locality=0.0), response)[AGE].abs()) for f in (0, 1, 1e4)
    ]
    assert leaks[0] > 0.5
    assert leaks[0] > leaks[1] > leaks[2]


def test_kin_may_move(response: Response) -> None:
    free = float(predicted(recipe(kin=("age",)), response)[AGE])
    assert abs(free) > abs(float(predicted(recipe(), response)[AGE]))


def test_pixels_outside_of_the_region_change_less_the_more_they_cost(response: Response) -> None:
    changes = []
    for locality in (0.0, 1e3, 1e5):
        problem = Problem.of(recipe(locality=locality), response)
        steps = problem.solve().flatten()
        changes.append(float(steps @ problem.outside @ steps))
    assert changes[0] > changes[1] > changes[2]


def test_only_whole_groups_within_the_slots_move(response: Response) -> None:
    problem = Problem.of(recipe(slots=(2, 7)), response)
    assert [GROUPS[g] for g in problem.groups] == [(3, 4), (5, 6)]
    direction = placed(problem.solve(), response.axes, problem.groups, SLOTS)
    assert direction.any(1).nonzero().flatten().tolist() == [3, 4, 5, 6]


def test_a_level_rises_by_one_along_its_direction(response: Response) -> None:
    problem = Problem.of(recipe(), response)
    direction = placed(problem.solve(), response.axes, problem.groups, SLOTS)
    level, centre = level_of(recipe(), response, direction)
    assert float((level * direction).sum()) == pytest.approx(1, abs=1e-4)
    average = response.centre.expand(SLOTS, -1)
    assert float((level * average).sum()) == pytest.approx(centre, abs=1e-3)


class ToyStudio:
    """Pictures are not looked at: they carry the styles."""

    def styles(self, count: int, *, truncation: float, seed: int) -> torch.Tensor:
        return torch.zeros(count, SLOTS, DIM)

    def render(self, styles: torch.Tensor, *, exact: bool = False) -> torch.Tensor:
        return styles


class ToyJudge:
    """Sees ``part`` of what the response predicts."""

    def __init__(self, response: Response, part: float) -> None:
        self.response, self.part = response, part

    def changes(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        reading = self.response.axes / self.response.axes.square().sum(1, keepdim=True)
        moved = (after - before) @ reading.T
        steps = torch.stack([moved[:, first] for first, _ in GROUPS], 1)
        return self.part * torch.einsum("ngk,gkm->nm", steps, self.response.slopes)


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_the_judge_sets_the_scale_and_the_range(response: Response, part: float) -> None:
    learnt = learn(recipe(), response, ToyStudio(), ToyJudge(response, part), 4, seed=0)
    assert float(learnt.effects @ target_weights(recipe())) == pytest.approx(1, abs=0.02)
    length = float(Problem.of(recipe(), response).solve().norm()) / part
    end = min(2.5, LONGEST * 2**0.5 / length)
    assert learnt.range == (pytest.approx(-end, abs=0.06), pytest.approx(end, abs=0.06))
    assert learnt.works == (end >= 0.9) or abs(end - 0.9) < 0.06


def test_what_does_not_work_says_so() -> None:
    learnt = Learnt(torch.zeros(SLOTS, DIM), torch.zeros(len(NAMES)), (-0.4, 0.4))
    assert not learnt.works
    assert "(does not work)" in told(learnt)
    assert replace(learnt, range=(-0.4, 1.2)).works


def test_a_preset_file_holds_what_was_learnt(response: Response, tmp_path) -> None:
    learnt = learn(recipe(), response, ToyStudio(), ToyJudge(response, 1.0), 4, seed=0)
    write(recipe(), response, learnt, tmp_path / "smile.safetensors", seed=5)
    found, problems = find_presets([tmp_path])
    assert not problems
    preset = found["smile"]
    assert torch.allclose(preset.direction(), learnt.direction, atol=1e-3)
    assert float((preset.level() * preset.direction()).sum()) == pytest.approx(1, abs=0.01)
    assert (preset.guards, preset.range) == (recipe().guards, learnt.range)
    assert preset.effects["smile"] == pytest.approx(1, abs=0.02)
    assert preset.source.endswith("seed 5")


def test_recipes_name_only_what_is_measured() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names)
    assert {*GUARDS, *PERSON} <= set(NAMES)
    for each in RECIPES:
        assert {*each.targets, *each.kin, *each.guards} <= set(NAMES), each.name
        assert not {*each.targets} & {*each.guards}
        assert region_mask(each.region).any()
        assert Problem.of(each, TINY).groups, each.name


TINY = Response(
    torch.eye(2), torch.zeros(2), torch.zeros(len(GROUPS), 2, len(NAMES)),
    torch.zeros(len(GROUPS), 2, 3, THUMB, THUMB), torch.ones(len(NAMES)),
)  # fmt: skip


def test_regions_lie_within_the_picture() -> None:
    for boxes in REGIONS.values():
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= THUMB
            assert 0 <= top < bottom <= THUMB


def test_bundled_presets_come_from_recipes_and_do_what_they_say() -> None:
    presets, problems = find_presets()
    assert not problems
    recipes = {recipe.name: recipe for recipe in RECIPES}
    for name, preset in presets.items():
        assert (preset.slots, preset.guards) == (recipes[name].slots, recipes[name].guards), name
        weights = target_weights(recipes[name])
        own = sum(
            float(weights[NAMES.index(measure)]) * preset.effects[measure]
            for measure in recipes[name].targets
        )
        assert own == pytest.approx(1, abs=0.05), name
        assert preset.level_centre is not None
        assert float((preset.level() * preset.direction()).sum()) == pytest.approx(1, abs=0.02)
