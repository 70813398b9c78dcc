"""The loop of every training, with a task of two numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from facemod.errors import ModelError, UsageError
from facemod.training import loop
from facemod.training.loop import Fabric, Moment, train
from facemod.training.settings import LoopOptions

OPTIONS = LoopOptions(steps=12, checkpoint_every=5, device="cpu", precision="32-true")


class Killed(Exception):
    """Stands in for a power cut."""


class Guess:
    """Guesses random numbers with momentum, so that every step depends on all before it."""

    def __init__(self, fabric: Fabric, dies_at: int | None = None) -> None:
        self.fabric, self.dies_at = fabric, dies_at
        self.net = nn.Linear(2, 1)
        adam = torch.optim.Adam(self.net.parameters(), lr=0.1)
        self.trained, self.optimizer = fabric.setup(self.net, adam)
        self.moments: list[Moment] = []
        self.spoil = False

    def step(self, moment: Moment) -> dict[str, torch.Tensor]:
        if moment.step == self.dies_at:
            raise Killed
        self.moments.append(moment)
        loss = (self.trained(torch.randn(4, 2)) - float(moment.rng.random())).square().mean()
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.optimizer.step()
        return {"loss": loss.detach() * (float("nan") if self.spoil else 1)}

    def state(self) -> dict[str, Any]:
        return {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict()}

    def resume(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])

    def export(self, folder: Path) -> None:
        (folder / "weights").write_text(str(self.net.weight.tolist()))

    def sheet(self) -> np.ndarray:
        return np.zeros((4, 4, 3), np.uint8)


def run(
    folder: Path, options: LoopOptions = OPTIONS, dies_at: int | None = None
) -> tuple[Guess, dict[str, Any], list[str]]:
    tasks, lines = [], []
    facts = train(
        lambda fabric: tasks.append(Guess(fabric, dies_at)) or tasks[0],
        folder, options, lines.append,
    )  # fmt: skip
    return tasks[0], facts, lines


def lines_of(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "stats.jsonl").read_text().splitlines()]


def test_a_run_leaves_everything_it_should(tmp_path: Path) -> None:
    task, facts, _ = run(tmp_path)
    assert facts["steps"] == len(task.moments) == 12
    assert facts["finished"]
    assert facts["losses"]["loss"] > 0
    assert lines_of(tmp_path) == [1, 10]
    assert {p.name for p in tmp_path.iterdir()} == {
        "stats.jsonl",
        "state.pt",
        "sheet.png",
        "weights",
    }


@pytest.mark.parametrize("dies_at", [3, 5, 11])
def test_a_killed_run_ends_like_one_that_was_not(tmp_path: Path, dies_at: int) -> None:
    whole, _, _ = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", dies_at=dies_at)
    resumed, _, told = run(tmp_path / "killed")
    checkpoint = dies_at // 5 * 5
    assert len(resumed.moments) == 12 - checkpoint
    assert (f"going on from step {checkpoint}" in told) == (checkpoint > 0)
    assert torch.equal(resumed.net.weight, whole.net.weight)
    assert lines_of(tmp_path / "killed") == lines_of(tmp_path / "whole")


def test_a_finished_run_stays_as_it_is(tmp_path: Path) -> None:
    run(tmp_path)
    before = (tmp_path / "state.pt").read_bytes()
    task, facts, _ = run(tmp_path)
    assert facts["finished"] and not task.moments
    assert (tmp_path / "state.pt").read_bytes() == before


def test_another_seed_learns_something_else(tmp_path: Path) -> None:
    one, _, _ = run(tmp_path / "one")
    other, _, _ = run(tmp_path / "other", replace(OPTIONS, seed=1))
    assert not torch.equal(one.net.weight, other.net.weight)


def test_the_rate_rises_then_falls(tmp_path: Path) -> None:
    task, _, _ = run(tmp_path)
    rates = [moment.rate(4) for moment in task.moments]
    assert rates[0] == pytest.approx(0.25)
    assert max(rates) == rates[3] and rates[3] > 0.8
    assert sorted(rates[3:], reverse=True) == rates[3:]
    assert rates[-1] < 0.1


def test_minutes_end_a_run_and_drive_its_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100_000))  # every look at the clock takes a second
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(clock)))
    options = replace(OPTIONS, steps=None, minutes=1.0)
    task, facts, _ = run(tmp_path, options)
    assert 20 < facts["steps"] < 60
    assert facts["finished"]
    assert task.moments[-1].progress > 0.9
    assert task.moments[-1].rate(0) < 0.1


def test_stop_after_leaves_a_run_that_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(100_000))
    monkeypatch.setattr(loop.time, "perf_counter", lambda: float(next(clock)))
    options = replace(OPTIONS, steps=40, stop_after=0.3)
    _, facts, _ = run(tmp_path, options)
    assert not facts["finished"]
    assert 0 < facts["steps"] < 40
    _, later, _ = run(tmp_path, replace(options, stop_after=None))
    assert later["finished"]
    assert later["minutes"] > facts["minutes"]


def test_losses_that_are_not_finite_end_the_run_before_they_are_saved(tmp_path: Path) -> None:
    def build(fabric: Fabric) -> Guess:
        task = Guess(fabric)
        task.spoil = True
        return task

    with pytest.raises(ModelError, match="--learning-rate"):
        train(build, tmp_path, OPTIONS, print)
    assert not (tmp_path / "state.pt").exists()


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"step": 1, "seconds": 0.0, "net": {}}, tmp_path / "state.pt")
    with pytest.raises(ModelError, match="does not fit this run"):
        run(tmp_path)
    (tmp_path / "state.pt").write_bytes(b"rubbish")
    with pytest.raises(ModelError, match="not a readable training state"):
        run(tmp_path)


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"steps": None}, "--steps"),
        ({"device": "warp"}, "--device warp"),
        ({"device": "cuda:17"}, "--device cuda:17"),
        ({"precision": "1-bit"}, "--precision 1-bit"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, change: dict[str, Any], flag: str) -> None:
    with pytest.raises(UsageError, match=flag):
        run(tmp_path, replace(OPTIONS, **change))
