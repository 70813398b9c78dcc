"""Solving recipes in a toy world whose response is known, and what the bundled presets promise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from facemod.latent.presets import find_presets
from facemod.training.judges.judge import NAMES, STILL, indices
from facemod.training.presets.directions import (
    Problem,
    Yardstick,
    calibrated,
    level_of,
    linear_range,
    start,
    summary,
    write,
)
from facemod.training.presets.levels import CORRELATION, LABELS, LEAST_CORRELATION
from facemod.training.presets.published_recipes import NAMES as PUBLISHED
from facemod.training.presets.recipes import (
    GUARDS,
    LEARNT,
    MAIN,
    PERSON,
    RECIPES,
    REGIONS,
    Recipe,
    region_mask,
    region_of,
    target_weights,
)
from facemod.training.presets.response import GROUPS, THUMB, Response, placed

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

    def render(self, styles: torch.Tensor, *, exact: bool = False) -> torch.Tensor:
        return styles


class ToyJudge:
    """Sees ``part`` of what the response predicts, and never more than ``most``."""

    def __init__(self, response: Response, part: float, most: float = 99.0) -> None:
        self.response, self.part, self.most = response, part, most

    def changes(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        reading = self.response.axes / self.response.axes.square().sum(1, keepdim=True)
        moved = (after - before) @ reading.T
        steps = torch.stack([moved[:, first] for first, _ in GROUPS], 1)
        summary = self.part * torch.einsum("ngk,gkm->nm", steps, self.response.slopes)
        return summary.clamp(max=self.most)

    def scores(self, images: torch.Tensor) -> torch.Tensor:
        """Every other picture has more of everything."""
        return (torch.arange(len(images)) % 2).float()[:, None].expand(-1, len(STILL))


def scale_of(response: Response, part: float = 1.0, most: float = 99.0) -> Yardstick:
    return Yardstick(ToyStudio(), ToyJudge(response, part, most), torch.zeros(4, SLOTS, DIM))


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_the_judge_sets_the_scale(response: Response, part: float) -> None:
    direction = start(recipe(), response)
    learnt = calibrated(recipe(), direction, scale_of(response, part))
    assert float(learnt.effects @ target_weights(recipe())) == pytest.approx(1, abs=0.02)
    assert torch.allclose(learnt.direction, direction / part, atol=1e-3)
    assert learnt.range == (-2.5, 2.5)


def test_the_range_ends_where_the_effect_does(response: Response) -> None:
    learnt = calibrated(recipe(), start(recipe(), response), scale_of(response, most=1.25))
    assert learnt.linear == (-2.5, 1.5)  # at 1.5 it is 17 % less than the strength, at 1.75 29 %
    assert learnt.range == learnt.linear
    limited = recipe(range=(-1, 1))
    assert calibrated(limited, start(limited, response), scale_of(response)).range == (-1, 1)
    sudden = calibrated(recipe(), start(recipe(), response), scale_of(response, most=0.9))
    assert (sudden.linear[1], sudden.range[1]) == (1.0, 1.5)


def test_only_faces_with_room_set_the_scale(response: Response) -> None:
    class Saturated(ToyJudge):
        """Of the faces that have much, none gains; of those that have little, none loses."""

        def changes(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
            summary = super().changes(before, after)
            much = self.scores(before)[:, :1] > 0
            return torch.where(much, summary.clamp(max=0), summary.clamp(min=0))

    scale = replace(scale_of(response), judge=Saturated(response, 1.0))
    learnt = calibrated(recipe(), start(recipe(), response), scale)
    assert float(learnt.effects @ target_weights(recipe())) == pytest.approx(1, abs=0.02)
    assert learnt.range == (-2.5, 2.5)


def test_beyond_the_first_failure_nothing_is_natural() -> None:
    strengths = [-1.5, -1.0, -0.5, 0.5, 1.0, 1.5]
    assert linear_range(strengths, [-1.5, -1.5, -0.5, 0.5, 1.1, 1.4]) == (-0.5, 1.5)
    assert linear_range(strengths, [1.5, 1.0, 0.5, 0.1, 1.0, 1.5]) == (0.0, 0.0)


def test_what_does_not_work_says_so(response: Response) -> None:
    nothing = calibrated(recipe(), torch.zeros(SLOTS, DIM) + 1e-9, scale_of(response))
    assert not nothing.works
    assert "(does not work)" in summary(nothing)
    something = calibrated(recipe(), start(recipe(), response), scale_of(response))
    assert something.works
    assert "(does not work)" not in summary(something)


def test_a_preset_file_holds_what_was_learnt(response: Response, tmp_path) -> None:
    learnt = calibrated(recipe(), start(recipe(), response), scale_of(response))
    write(recipe(), response, learnt, tmp_path / "smile.safetensors", seed=5)
    found, problems = find_presets([tmp_path])
    assert not problems
    preset = found["smile"]
    assert torch.allclose(preset.direction(), learnt.direction, atol=1e-3)
    assert float((preset.level() * preset.direction()).sum()) == pytest.approx(1, abs=0.01)
    assert (preset.guards, preset.range) == (recipe().guards, learnt.range)
    assert preset.effects["smile"] == pytest.approx(1, abs=0.02)
    assert preset.source.endswith("seed 5")
    assert preset.evidence == {
        "linear within 20%, down to": -2.5,
        "linear within 20%, up to": 2.5,
    }
    assert preset.region == region_of(recipe()) == ((9 / 32, 20 / 32, 23 / 32, 28 / 32),)


def test_recipes_name_only_what_is_measured() -> None:
    names = [recipe.name for recipe in RECIPES]
    assert len(set(names)) == len(names)
    assert {*GUARDS, *PERSON} <= set(NAMES)
    for each in RECIPES:
        assert {*each.targets, *each.kin, *each.guards} <= set(NAMES), each.name
        assert not {*each.targets} & {*each.guards}
        assert region_mask(each.region).any()
        assert Problem.of(each, TINY).groups, each.name


def test_main_presets_stand_for_what_they_are_called_like() -> None:
    recipes = {each.name: each for each in RECIPES}
    for name, measure in MAIN.items():
        assert target_weights(recipes[name])[NAMES.index(measure)] > 0, name


TINY = Response(
    torch.eye(2), torch.zeros(2), torch.zeros(len(GROUPS), 2, len(NAMES)),
    torch.zeros(len(GROUPS), 2, 3, THUMB, THUMB), torch.ones(len(NAMES)),
)  # fmt: skip


def test_regions_lie_within_the_picture() -> None:
    for boxes in REGIONS.values():
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= 1
            assert 0 <= top < bottom <= 1


def test_bundled_presets_come_from_recipes_and_do_what_they_say() -> None:
    presets, problems = find_presets()
    assert not problems
    recipes = {recipe.name: recipe for recipe in LEARNT}
    assert set(presets) == {*recipes, *PUBLISHED}
    for name, recipe in recipes.items():
        preset = presets[name]
        assert (preset.slots, preset.guards) == (recipe.slots, recipe.guards), name
        assert preset.region == region_of(recipe), name
        weights = target_weights(recipes[name])
        own = sum(
            float(weights[NAMES.index(measure)]) * preset.effects[measure]
            for measure in recipes[name].targets
        )
        assert own == pytest.approx(1, abs=0.05), name
        assert preset.level_centre is not None
        if name in LABELS:
            assert preset.evidence[CORRELATION] >= LEAST_CORRELATION, name
