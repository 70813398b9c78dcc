"""Schedules beside the authors', followed to the letter, at every 20,000 images.

Each class repeats what a published trainer does before a step, in its order and with its state.
"""

from __future__ import annotations

from types import MappingProxyType

import pytest

from facemod.training.introspective.methods import METHODS
from facemod.training.introspective.schedule import Schedule

K = 1000
CELEBAHQ_BALANCED = [(p * 2400, p, 5e-4, 0.05) for p in range(4)] + [
    (9600, 4, 1e-3, 0), (13000, 4, 1e-3, 0.02), (16520, 5, 1e-3, 0.02), (20040, 6, 1e-3, 0.04),
]  # fmt: skip
LSUN_BALANCED = [(p * 2400, p, 1e-3, 0) for p in range(4)] + [
    (9600, 4, 1e-3, 0), (12360, 4, 1e-3, 0.06), (15400, 5, 1e-3, 0.06), (21400, 6, 1e-3, 0.04),
]  # fmt: skip
EARLY = [(0, 0, 5e-4, 0), (2400, 1, 5e-4, 0), (4800, 2, 5e-4, 0.05), (7200, 3, 5e-4, 0.05),
         (9600, 4, 1e-3, 0.05)]  # fmt: skip
FFHQ = [*EARLY, (20040, 5, 1e-3, 0.05), (30680, 6, 1e-3, 0.05), (35700, 7, 1e-3, 0.05)]
CELEBAHQ = [*EARLY, (20040, 5, 1e-3, 0.02), (27500, 6, 1e-3, 0.04)]
LSUN = [*EARLY, (20040, 5, 1e-3, 0.05), (30000, 6, 1e-3, 0.05), (38000, 6, 1e-3, 0.08)]
PER_STAGE = 2400 * K


class Scheduled:
    """Balanced PIONEER's and the automodulator's: entries act when they are gone over to."""

    batches = MappingProxyType({4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 32, 256: 32, 512: 4})

    def __init__(self, entries):
        self.entries, self.current = entries, 0
        self.phase, self.rate, self.margin, self.alpha, self.match = 0, 1e-3, 0, -1, 1.0

    def images_of_stage(self, images):
        first = self.current
        while first > 0 and self.entries[first - 1][1] == self.entries[first][1]:
            first -= 1
        return images - self.entries[first][0] * K

    def fade(self, stage_images):
        self.alpha = min(1, stage_images * 2.0 / PER_STAGE)

    def update(self, images):
        last = len(self.entries) - 1
        while self.current < last and self.entries[self.current + 1][0] * K <= images:
            self.current += 1
            _, self.phase, self.rate, self.margin = self.entries[self.current]
        stage_images = self.images_of_stage(images)
        self.match = 1.5 if stage_images >= PER_STAGE / 2 else 1.0
        self.fade(stage_images)


class Automodulator(Scheduled):
    """Counts from the last entry; a resolution that has faded in stays."""

    batches = Scheduled.batches | {256: 16}
    faded_at = None

    def images_of_stage(self, images):
        return images - self.entries[self.current][0] * K

    def fade(self, stage_images):
        resolution = 4 * 2**self.phase
        if stage_images >= PER_STAGE / 2:
            if self.alpha < 1:
                self.faded_at = resolution
            self.alpha = 1
        if self.faded_at != resolution:
            self.alpha = min(1, stage_images * 2.0 / PER_STAGE)


class Pioneer:
    """Stages of one length up to the last phase; no entries."""

    batches = MappingProxyType({4: 128, 8: 128, 16: 128, 32: 64, 64: 32, 128: 16, 256: 8})

    def __init__(self, per_stage, last_phase):
        self.per_stage, self.last_phase = per_stage * K, last_phase
        self.phase, self.rate, self.margin, self.alpha, self.match = 0, 1e-3, 0, -1, 1.0

    def update(self, images):
        stage_images = images - self.phase * self.per_stage
        if stage_images >= self.per_stage and self.phase < self.last_phase:
            more = stage_images // self.per_stage
            self.phase += more
            stage_images -= more * self.per_stage
        self.match = 1.5 if stage_images >= self.per_stage / 2 else 1.0
        self.alpha = min(1, stage_images * 2.0 / self.per_stage)


RUNS = [
    ("pioneer", "celebahq", 6, lambda: Pioneer(4800, 6), 43200),
    ("pioneer", "celeba", 4, lambda: Pioneer(2400, 4), 25000),
    ("pioneer", "celeba", 5, lambda: Pioneer(2400, 5), 16800),
    ("balanced", "celebahq", 6, lambda: Scheduled(CELEBAHQ_BALANCED), 30000),
    ("balanced", "lsun", 6, lambda: Scheduled(LSUN_BALANCED), 30000),
    ("automodulator", "ffhq", 7, lambda: Automodulator(FFHQ), 45000),
    ("automodulator", "ffhq", 6, lambda: Automodulator(FFHQ), 35700),
    ("automodulator", "celebahq", 6, lambda: Automodulator(CELEBAHQ), 31877.148),
    ("automodulator", "lsun", 6, lambda: Automodulator(LSUN), 32057.14),
]


@pytest.mark.parametrize(("recipe", "table", "level", "make", "total"), RUNS)
def test_every_setting_is_the_published_one(recipe, table, level, make, total) -> None:
    method, theirs = METHODS[recipe], make()
    schedule = Schedule(method.timetables[table], method.batches, level)
    assert schedule.end == total
    for images in range(0, int(total * K), 20_000):
        theirs.update(images)
        ours = schedule.after(images / K)
        assert (ours.level, ours.batch) == (theirs.phase, theirs.batches[4 * 2**theirs.phase])
        assert (ours.learning_rate, ours.margin) == (theirs.rate, theirs.margin), images
        assert ours.matching == theirs.match, images
        if theirs.phase:  # nothing fades in at 4 px
            assert ours.fade == pytest.approx(theirs.alpha, abs=1e-12), images
        assert ours.settled == (theirs.alpha >= 1), images


@pytest.mark.parametrize(("recipe", "table", "level", "make", "total"), RUNS)
def test_steps_of_a_run_go_through_the_published_images(recipe, table, level, make, total) -> None:
    method = METHODS[recipe]
    schedule = Schedule(method.timetables[table], method.batches, level)
    steps, done = schedule.steps(), 0.0
    for stage, share, batch in schedule.shares():
        for part in (0.001, 0.3, 0.7, 0.999):
            images = stage.start * K + part * share * steps * batch
            ours, published = schedule.at(done + part * share), schedule.after(images / K)
            assert ours.fade == pytest.approx(published.fade, abs=1e-6)
            same = ("level", "batch", "margin", "learning_rate", "matching")
            assert all(getattr(ours, name) == getattr(published, name) for name in same)
        done += share
    shown = sum(share * steps * batch for _, share, batch in schedule.shares())
    assert shown == pytest.approx(total * K, rel=1e-4)
