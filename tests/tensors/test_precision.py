"""The precision goes by what the machine does fast."""

from __future__ import annotations

import pytest
import torch

from facemod.tensors import precision


@pytest.fixture(autouse=True)
def measured_anew():
    precision.working_precision.cache_clear()
    yield
    precision.working_precision.cache_clear()


def timing(monkeypatch, half: float | Exception) -> None:
    """Let float32 take a second and bfloat16 so many, or be refused."""

    def seconds(dtype: torch.dtype) -> float:
        if dtype is torch.float32:
            return 1.0
        if isinstance(half, Exception):
            raise half
        return half

    monkeypatch.setattr(precision, "backward_seconds", seconds)


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (0.2, torch.bfloat16),
        (0.95, torch.float32),
        (30.0, torch.float32),
        (RuntimeError("could not create a primitive"), torch.float32),
    ],
)
def test_half_precision_is_for_processors_that_are_faster_with_it(
    monkeypatch, half: float | Exception, expected: torch.dtype
) -> None:
    timing(monkeypatch, half)
    assert precision.working_precision("cpu") is expected


def test_it_is_measured_once(monkeypatch) -> None:
    timing(monkeypatch, 0.2)
    first = precision.working_precision("cpu")
    timing(monkeypatch, 5.0)
    assert precision.working_precision("cpu") is first


@pytest.mark.parametrize(("half", "dtype"), [(0.2, torch.bfloat16), (5.0, torch.float32)])
def test_mixed_precision_follows(monkeypatch, half: float, dtype: torch.dtype) -> None:
    timing(monkeypatch, half)
    with precision.autocast("cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is dtype


def test_the_measurement_runs_here_even_without_gradients() -> None:
    with torch.inference_mode():
        assert precision.backward_seconds(torch.float32) > 0
