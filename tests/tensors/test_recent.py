"""What was asked for last is remembered by what it is, not by which tensor holds it."""

from __future__ import annotations

import torch
from torch import Tensor

from facemod.tensors.recent import Recent


class Counting:
    """Sums rows, and notes how many it was given each time."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        self.rows.append(len(x))
        return x + y


def batch(*values: float) -> Tensor:
    return torch.tensor(values)[:, None].repeat(1, 3)


def test_rows_come_back_in_order_and_equal_ones_are_worked_out_once():
    work = Counting()
    result = Recent(work, 2)(batch(1, 2, 1), batch(5, 6, 5))
    assert torch.equal(result, batch(6, 8, 6))
    assert work.rows == [2]


def test_the_last_are_remembered_and_no_more():
    work = Counting()
    recent = Recent(work, 2)
    zeros = batch(0, 0, 0)
    assert torch.equal(recent(batch(1, 2, 3), zeros), batch(1, 2, 3))
    assert torch.equal(recent(batch(3, 2), zeros[:2]), batch(3, 2))
    assert work.rows == [3]
    recent(batch(1), zeros[:1])
    assert work.rows == [3, 1]


def test_what_is_used_again_and_again_outlives_what_is_not():
    """As the photos of a walk outlive its frames."""
    work = Counting()
    recent = Recent(work, 3)
    for frame in range(4):
        for value in (10 + frame, 1, 2):
            assert torch.equal(recent(batch(value), batch(0)), batch(value))
    assert work.rows == [1] * (4 + 2)


def test_a_row_counts_with_all_of_its_tensors():
    recent = Recent(Counting(), 4)
    recent(batch(1), batch(2))
    assert torch.equal(recent(batch(1), batch(3)), batch(4))


def test_batches_lie_in_memory_as_what_they_are_made_of():
    maps = torch.rand(2, 5, 4, 3).to(memory_format=torch.channels_last)
    recent = Recent(lambda x: x * 2, 2)
    for _ in range(2):
        made = recent(maps)
        assert torch.equal(made, maps * 2)
        assert made.is_contiguous(memory_format=torch.channels_last)
    assert Recent(lambda x: x * 2, 2)(maps.contiguous()).is_contiguous()
    assert Recent(lambda x: x[:, :1].expand(-1, 3), 2)(batch(1, 2))[1].tolist() == [2, 2, 2]
