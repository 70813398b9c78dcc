"""A toy world where one direction of the code is what photos differ in, and another tags along."""

from __future__ import annotations

import pytest
import torch

from facemod.errors import UsageError
from facemod.latent.learning import Space, agreement, conditional_move, learn, regressed

SLOTS, DIM = 6, 24
RANGES = ((0, 1), (2, 3, 4), (5,))
SPREAD = torch.logspace(0, -1, DIM)


def natural_faces(count: int = 2000, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    styles = torch.randn(count, 1, DIM, generator=generator) * SPREAD + 0.3
    return styles.repeat(1, SLOTS, 1)


NATURAL = natural_faces()
SPACE = Space.of(NATURAL, RANGES)
NO_GUARDS = torch.zeros(0)


def trait(axis: int) -> torch.Tensor:
    """A measure [slots, dim] in deviations of natural faces: one axis, all slots alike."""
    measure = torch.zeros(SLOTS, DIM)
    measure[:, axis] = 1 / SPREAD[axis] / SLOTS
    return measure


def examples(count: int, correlation: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces labelled by trait 2; trait 4 goes along by ``correlation``."""
    styles = natural_faces(count, seed=5)
    wanted = (styles[:, 0, 2] - 0.3) / SPREAD[2]
    styles[:, :, 4] += correlation * wanted[:, None] * SPREAD[4]
    return styles, (wanted > 0).float()


def moved(direction: torch.Tensor, axis: int) -> float:
    return float((direction * trait(axis)).sum())


def test_reading_and_moving_are_inverse() -> None:
    steps = torch.randn(len(RANGES) * len(SPACE.axes), generator=torch.Generator().manual_seed(2))
    shifted = NATURAL[:3] + SPACE.move(steps, SLOTS)
    change = SPACE.read(shifted) - SPACE.read(NATURAL[:3])
    assert torch.allclose(change, steps.expand_as(change), atol=1e-3)


def test_measures_and_effects_agree_with_what_happens() -> None:
    weights = torch.randn(len(RANGES) * len(SPACE.axes), generator=torch.Generator().manual_seed(3))
    measure = SPACE.measure(weights, SLOTS)
    read = (measure * NATURAL[:5]).sum((1, 2))
    scores = SPACE.read(NATURAL[:5]) @ weights
    assert torch.allclose(read - read[0], scores - scores[0], atol=1e-3)
    steps = torch.ones_like(weights)
    happened = (measure * SPACE.move(steps, SLOTS)).sum()
    assert torch.allclose(SPACE.effects(measure) @ steps, happened, atol=1e-3)


def test_hundreds_of_photos_find_the_trait() -> None:
    learnt = learn(*examples(300), NATURAL, SPACE, NO_GUARDS)
    assert moved(learnt.direction, 2) == pytest.approx(1, abs=0.2)
    others = [abs(moved(learnt.direction, axis)) for axis in range(DIM) if axis != 2]
    assert max(others) < 0.25
    assert learnt.agreement > 0.9


def test_strength_one_is_one_level_and_one_deviation() -> None:
    learnt = learn(*examples(300), NATURAL, SPACE, NO_GUARDS)
    assert float((learnt.level * learnt.direction).sum()) == pytest.approx(1, abs=1e-4)
    levels = (learnt.level * NATURAL).sum((1, 2)) - learnt.level_centre
    assert float(levels.mean()) == pytest.approx(0, abs=1e-3)
    assert float(levels.std()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("count", [4, 8, 32])
def test_a_handful_points_the_right_way(count: int) -> None:
    learnt = learn(*examples(count), NATURAL, SPACE, NO_GUARDS)
    assert moved(learnt.direction, 2) > 0.1


def test_guards_stay_where_they_are() -> None:
    faces = examples(12, correlation=3.0)
    free = learn(*faces, NATURAL, SPACE, NO_GUARDS)
    held = learn(*faces, NATURAL, SPACE, torch.stack([trait(4)]))
    assert moved(free.direction, 4) > 0.2
    assert abs(moved(held.direction, 4)) < 0.05


def test_noise_is_not_told_apart() -> None:
    styles, _ = examples(60)
    labels = (torch.arange(60) % 2).float()
    learnt = learn(styles, labels, NATURAL, SPACE, NO_GUARDS)
    assert 0.2 < learnt.agreement < 0.8


def test_two_photos_tell_nothing_about_themselves() -> None:
    styles, labels = examples(40)
    pair = [int((labels == 0).nonzero()[0]), int((labels == 1).nonzero()[0])]
    assert learn(styles[pair], labels[pair], NATURAL, SPACE, NO_GUARDS).agreement is None


def test_equal_labels_teach_nothing() -> None:
    with pytest.raises(UsageError, match="nothing to learn"):
        learn(NATURAL[:4], torch.ones(4), NATURAL, SPACE, NO_GUARDS)


def test_leaving_one_out_in_closed_form_is_leaving_one_out() -> None:
    """The short cut against doing it, with the ridge that the whole set chose."""
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(12, 5, generator=generator)
    y = x[:, 0] + 0.1 * torch.randn(12, generator=generator)
    weights, found = regressed(x, y)
    assert torch.allclose(weights / weights.norm(), torch.eye(5)[0], atol=0.15)
    assert found > 0.9


def test_agreement_counts_pairs() -> None:
    labels = torch.tensor([0.0, 0, 1, 1])
    assert agreement(torch.tensor([0.0, 1, 2, 3]), labels) == 1
    assert agreement(torch.tensor([3.0, 2, 1, 0]), labels) == 0
    assert agreement(torch.tensor([1.0, 1, 1, 1]), labels) == 0.5


def test_the_conditional_move_raises_its_target_by_one() -> None:
    generator = torch.Generator().manual_seed(6)
    wanted, held = torch.randn(9, generator=generator), torch.randn(9, 2, generator=generator)
    steps = conditional_move(wanted, held)
    assert float(steps @ wanted) == pytest.approx(1, abs=1e-5)
    assert (steps @ held).abs().max() < 0.1
    assert conditional_move(wanted, None).norm() <= steps.norm()
