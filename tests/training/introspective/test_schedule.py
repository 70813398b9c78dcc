"""Schedules: published stages, squeezed in proportion; fade-in without a jump."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from facemod.errors import UsageError
from facemod.training.introspective.methods import AUTOMODULATOR, BALANCED, METHODS
from facemod.training.introspective.options import precise
from facemod.training.introspective.replay import ImagePool
from facemod.training.introspective.schedule import Schedule, Stage, Timetable

TWO = Timetable((Stage(0, 0, 1e-3), Stage(2400, 1, 5e-4, 0.05)), {1: 4800})
FFHQ = AUTOMODULATOR.timetables["ffhq"]
PUBLISHED = [(name, table) for name, method in METHODS.items() for table in method.timetables]


@pytest.mark.parametrize(("name", "table"), PUBLISHED)
def test_stages_follow_each_other_and_levels_grow_one_by_one(name: str, table: str) -> None:
    stages = METHODS[name].timetables[table].stages
    assert len(METHODS[name].batches) > stages[-1].level
    assert (stages[0].start, stages[0].level) == (0, 0)
    for before, after in pairwise(stages):
        assert after.start > before.start
        assert after.level - before.level in (0, 1)


def test_the_published_number_of_steps() -> None:
    # 32 px: 2.4M images in each of three stages of batch 128 and one of batch 64
    schedule = Schedule(FFHQ, AUTOMODULATOR.batches, 3)
    assert schedule.steps() == 3 * 18750 + 37500
    assert schedule.steps(96) == 938
    assert schedule.steps(96, devices=2) == 469
    assert [batch for _, _, batch in schedule.shares()] == [128, 128, 128, 64]
    small = Schedule(FFHQ, AUTOMODULATOR.batches, 3, batch=16)
    assert [batch for _, _, batch in small.shares()] == [32, 32, 32, 16]
    assert [round(share, 2) for _, share, _ in small.shares()] == [0.2, 0.2, 0.2, 0.4]


def test_levels_fade_in_over_half_of_a_stage_and_then_match_harder() -> None:
    schedule = Schedule(TWO, (128, 128), 1)
    start, quarter, middle = (schedule.at(p) for p in (0.5, 0.625, 0.75))
    assert (start.level, start.fade, start.matching) == (1, 0.0, 1.0)
    assert quarter.fade == pytest.approx(0.5)
    assert (middle.fade, middle.matching) == (1.0, 1.5)
    assert (middle.learning_rate, middle.margin) == (5e-4, 0.05)
    assert schedule.at(0).fade == 1.0  # nothing comes before 4 px
    assert schedule.at(1.0).level == 1


def test_time_is_shared_by_steps_where_batches_differ() -> None:
    schedule = Schedule(FFHQ, AUTOMODULATOR.batches, 3)
    assert schedule.at(0.59).level == 2  # 3 * 18750 of 93750 steps are 60 %
    assert schedule.at(0.61).level == 3


def test_a_second_stage_of_one_level_does_not_fade_again() -> None:
    schedule = Schedule(BALANCED.timetables["celebahq"], BALANCED.batches, 4)
    second = next(p for p in np.linspace(0, 1, 500) if schedule.at(p).margin == 0.02)
    assert schedule.at(second).level == 4
    assert schedule.at(second).fade == 1.0


def test_the_pool_gives_back_what_it_was_given_and_forgets_other_resolutions() -> None:
    pool, rng = ImagePool(), np.random.default_rng(0)
    first = torch.arange(8.0)[:, None, None, None].expand(8, 3, 4, 4)
    assert torch.equal(pool.exchanged(first, 8, rng), first)
    second = first + 100
    got = pool.exchanged(second, 8, rng)
    earlier = (got[:, 0, 0, 0] < 100).sum()
    assert 0 < earlier < 8
    assert len(pool.images) == 8
    larger = torch.zeros(2, 3, 8, 8)
    assert torch.equal(pool.exchanged(larger, 8, rng), larger)
    assert len(pool.images) == 2


def test_half_precision_is_not_for_spectrally_normalised_decoders() -> None:
    assert precise("auto", BALANCED) == "32-true"
    assert precise("auto", AUTOMODULATOR) == "auto"
    assert precise("bf16-mixed", AUTOMODULATOR) == "bf16-mixed"
    with pytest.raises(UsageError, match="--recipe balanced needs 32-true"):
        precise("bf16-mixed", BALANCED)
