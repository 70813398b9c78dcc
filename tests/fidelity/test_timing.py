"""How long fits take is measured once."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FittingFake

from facemod.fidelity.timing import FILE, fit_seconds
from facemod.models.base import Effort


class Measured(FittingFake):
    """Counts how often it is asked."""

    asked = 0

    def fit_seconds(self, effort: Effort) -> float:
        self.asked += 1
        return super().fit_seconds(effort) + self.asked / 10


def test_it_is_measured_once_for_each_effort(tmp_path: Path) -> None:
    model = Measured()
    first = [fit_seconds(model, effort, tmp_path) for effort in Effort]
    again = [fit_seconds(model, effort, tmp_path) for effort in Effort]
    assert first == again == [6.1, 30.2]
    assert model.asked == 2


@pytest.mark.parametrize("damage", ["", "[1, 2]", '{"a": "b"}', "\x00"])
def test_what_cannot_be_read_is_measured_again(tmp_path: Path, damage: str) -> None:
    (tmp_path / FILE).write_text(damage)
    assert fit_seconds(Measured(), Effort.REFINE, tmp_path) == 6.1


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    assert fit_seconds(Measured(), Effort.ADAPT, blocked / "below") == 30.1
