"""Clocks that know of each other."""

from __future__ import annotations

import time

import pytest
import torch

from facemod.bench import timing
from facemod.bench.timing import Clock, Now, interleaved, peak_memory, roofline

CPU = torch.device("cpu")


@pytest.fixture
def now() -> Now:
    """A clock that is one second later whenever somebody looks."""
    seconds = iter(range(1000))
    return lambda: float(next(seconds))


def test_inner_stages_do_not_count_for_outer_ones(now: Now) -> None:
    clock = Clock(CPU, now)
    with clock("outer"):
        with clock("inner"):
            pass
        with clock("inner"):
            pass
    assert clock.seconds == {"inner": 2.0, "outer": 3.0}


def test_work_takes_turns_and_the_first_round_does_not_count(now: Now) -> None:
    order: list[str] = []
    work = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    assert interleaved(work, 2, now) == {"a": 1.0, "b": 1.0}
    assert order == ["a", "b"] * 3


def test_the_machine_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "MATMUL_SIDE", 128)
    monkeypatch.setattr(timing, "COPY_BYTES", 2**20)
    best = roofline(CPU, time.perf_counter, repeats=1)
    assert best.matmul_gmacs > 0
    assert best.copy_gbytes > 0
    assert 10 < peak_memory() < 1e6
