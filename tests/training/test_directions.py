"""A toy world whose scores are linear in the styles, so that the truth is known."""

import pytest
import torch

from facemod.training import conditional
from facemod.training.conditional import (
    SLOT_GROUPS,
    Bench,
    Effects,
    combine,
    correct,
    learn,
    placed,
    regress,
    shrunk_precision,
)
from facemod.training.judge import NAMES, head_pose, indices
from facemod.training.recipes import RECIPES, Recipe

SLOTS, DIM, COUNT = 16, 64, len(NAMES)
SMILE, AGE, GLASSES = indices(("smile", "age", "glasses"))


@pytest.fixture
def world():
    """Scores [attributes, slots, dim]: what each style number adds to each score.

    Age and smile are entangled: everything that smiles also looks older.
    """
    generator = torch.Generator().manual_seed(3)
    slopes = torch.randn(COUNT, SLOTS, DIM, generator=generator) / (SLOTS * DIM) ** 0.5
    slopes[AGE] += 0.8 * slopes[SMILE]
    return slopes


def measure_in(world):
    return lambda styles: torch.einsum("nsd,ksd->nk", styles, world)


def faces(count, seed=0):
    return torch.randn(count, 1, DIM, generator=torch.Generator().manual_seed(seed)).repeat(
        1, SLOTS, 1
    )


def true_effects(world, raw):
    groups = [world[:, a : b + 1].sum(1) @ raw.T for a, b in SLOT_GROUPS]
    tried = torch.ones(COUNT, len(SLOT_GROUPS), dtype=torch.bool)
    return Effects(raw, torch.stack(groups, dim=2), tried, torch.eye(DIM))


def test_regression_finds_what_raises_a_score(world):
    styles = faces(4000)
    scores = measure_in(world)(styles)
    raw = regress(styles[:, 0], scores, ridge=1e-6)
    moved = measure_in(world)(styles + raw[SMILE]) - scores
    torch.testing.assert_close(moved[:, SMILE], torch.ones(4000), atol=1e-3, rtol=0)


def test_regression_leaves_unmeasured_faces_out(world):
    styles = faces(500)
    scores = measure_in(world)(styles)
    expected = regress(styles[5:, 0], scores[5:])
    scores[:5, GLASSES] = torch.nan
    torch.testing.assert_close(regress(styles[:, 0], scores), expected)


def test_raw_directions_drag_others_along_and_conditional_ones_do_not(world):
    styles = faces(2000)
    raw = regress(styles[:, 0], measure_in(world)(styles))
    effects, bench = true_effects(world, raw), Bench(measure_in(world), faces(8, seed=1))
    recipe = Recipe("toy", "", "Face", "smile", (3, 6), guards=("age", "glasses"))
    naive = bench.rise(placed(raw[SMILE], 3, 6, SLOTS))
    learnt = learn(recipe, effects, bench)
    assert abs(naive[AGE] / naive[SMILE]) > 0.5
    rise = bench.rise(learnt)
    assert rise[SMILE] == pytest.approx(1, abs=1e-3)
    assert rise[[AGE, GLASSES]].abs().max() < 0.02
    assert not learnt[:3].any()
    assert not learnt[7:].any()


def test_corrections_repair_what_the_table_did_not_know(world):
    """Effects measured wrongly by a third: the rounds of measuring must make up for it."""
    styles = faces(2000)
    raw = regress(styles[:, 0], measure_in(world)(styles))
    truth = true_effects(world, raw)
    noise = 1 + 0.3 * torch.randn(truth.table.shape, generator=torch.Generator().manual_seed(1))
    wrong = Effects(raw, truth.table * noise, truth.tried, truth.precision)
    bench = Bench(measure_in(world), faces(8, seed=1))
    recipe = Recipe("toy", "", "Face", "smile", (3, 8), guards=("age", "glasses"))
    leaks = [
        bench.rise(learn(recipe, wrong, bench, rounds=rounds))[[AGE, GLASSES]].abs().max()
        for rounds in (0, 4)
    ]
    assert leaks[1] < leaks[0] / 2


def test_moves_that_were_not_tried_are_not_used(world):
    raw = torch.randn(COUNT, DIM, generator=torch.Generator().manual_seed(5))
    effects = true_effects(world, raw)
    effects.tried[:, 2] = False  # slots 5-6
    recipe = Recipe("toy", "", "Face", "smile", (3, 6), guards=("age",))
    learnt = learn(recipe, effects, Bench(measure_in(world), faces(4)))
    assert learnt[3:5].any()
    assert not learnt[5:].any()


def test_combination_trades_side_effects_for_mildness():
    table = torch.tensor([[1.0, 1.0], [1.0, 0.0]])  # the first move also does something else
    weights = torch.tensor([0.0, 100.0])
    strict = combine(table, 1e-4 * torch.eye(2), 0, weights)
    torch.testing.assert_close(strict, torch.tensor([0.0, 1.0]), atol=1e-3, rtol=0)
    mild = combine(table, torch.eye(2), 0, torch.zeros(2))
    torch.testing.assert_close(mild, torch.tensor([0.5, 0.5]))


def test_correction_does_not_touch_the_target():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(3, 6, generator=generator)
    weights, measured = torch.tensor([0.0, 10.0, 10.0]), torch.tensor([1.0, 0.4, -0.2])
    more = table @ correct(table, 1e-5 * torch.eye(6), 0, weights, measured)
    torch.testing.assert_close(more, torch.tensor([0.0, -0.4, 0.2]), atol=1e-3, rtol=0)


def test_slope_cancels_curvature():
    bench = Bench(lambda styles: styles[:, 0, :1] + styles[:, 0, :1] ** 2, torch.zeros(4, 1, 1))
    assert bench.slope(torch.ones(1, 1)).item() == pytest.approx(1)
    assert bench.rise(torch.ones(1, 1)).item() == pytest.approx(2)


def test_precision_calls_rare_shifts_unusual():
    styles = torch.randn(2000, 3) * torch.tensor([3.0, 1.0, 0.1])
    unusual = torch.diagonal(shrunk_precision(styles))
    assert unusual[0] < unusual[1] < unusual[2]
    assert unusual[2] < 10  # not 100: tiny variances are raised


def test_recipes_name_only_what_is_measured():
    groups = {slot for group in SLOT_GROUPS for slot in group}
    assert {slot for group in SLOT_GROUPS for slot in range(group[0], group[1] + 1)} == set(
        range(SLOTS)
    )
    for recipe in RECIPES:
        assert {recipe.target, *recipe.guards, *recipe.free} <= set(NAMES), recipe.name
        assert not set(recipe.guards) & set(recipe.free), recipe.name
        assert recipe.target not in recipe.guards, recipe.name
        assert max(groups) == 15
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)


def test_head_pose_points_where_the_nose_points():
    import numpy as np

    straight = np.array([[40, 60], [80, 60], [60, 80], [45, 100], [75, 100]], float)
    right, up = straight.copy(), straight.copy()
    right[2, 0] += 5
    up[2, 1] -= 5
    assert head_pose(straight)[0] == pytest.approx(0)
    assert head_pose(right)[0] > 0.1
    assert head_pose(up)[1] > head_pose(straight)[1]
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    assert head_pose(right @ turn.T) == pytest.approx(head_pose(right))  # roll makes no difference


def test_guard_weights_hold_guards_most_and_free_ones_not():
    recipe = Recipe("toy", "", "Face", "smile", (3, 6), guards=("age",), free=("glasses",))
    weights = conditional.guard_weights(recipe)
    assert weights[AGE] > weights[indices(["hat"])[0]] > weights[GLASSES] == 0
