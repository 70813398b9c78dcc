"""The adaptive robust loss: values in closed form, gradients, growth."""

from __future__ import annotations

import math

import pytest
import torch

from facemod.training.introspective.robust import (
    KNOTS,
    SHAPES,
    AdaptiveLoss,
    log_partition,
    penalty,
)  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (SHAPES[0], math.log(math.sqrt(2) * math.pi)),  # Cauchy
        (1.0, math.log(2 * math.e * 0.6019072301972346)),  # Charbonnier: 2 e K1(1)
        (SHAPES[1], math.log(math.sqrt(2 * math.pi))),  # normal
    ],
)
def test_partition_of_the_known_distributions(shape: float, value: float) -> None:
    assert log_partition(torch.tensor(shape)).item() == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize("shape", [0.0137, 0.5003, 1.2345, 1.95])
def test_partition_between_knots_is_the_integral(shape: float) -> None:
    angle = torch.linspace(0, math.pi / 2, 200_001, dtype=torch.float64)[:-1]
    density = torch.exp(-penalty(angle.tan(), torch.tensor(shape, dtype=torch.float64)))
    integral = 2 * torch.trapezoid(density / angle.cos().square(), angle)
    assert log_partition(torch.tensor(shape)).item() == pytest.approx(
        integral.log().item(), abs=1e-4
    )


def test_partition_has_the_slope_of_its_values() -> None:
    shape = torch.linspace(0.05, 1.95, 3 * KNOTS + 1, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(log_partition(shape).sum(), shape)
    with torch.no_grad():
        step = 1e-3
        measured = (log_partition(shape + step) - log_partition(shape - step)) / (2 * step)
    assert torch.allclose(slope, measured, atol=2e-2)


def test_penalty_by_hand() -> None:
    one = torch.tensor(1.0)
    assert penalty(torch.tensor(3.0), one).item() == pytest.approx(math.sqrt(10) - 1, rel=1e-6)
    assert penalty(torch.tensor(3.0), torch.tensor(1.9999)).item() == pytest.approx(4.5, rel=1e-2)
    near_cauchy = penalty(torch.tensor(3.0), torch.tensor(1e-3)).item()
    assert near_cauchy == pytest.approx(math.log(5.5), rel=1e-2)


def test_a_new_loss_is_charbonniers_likelihood() -> None:
    loss, images = AdaptiveLoss(2), torch.zeros(2, 3, 8, 8)
    value = loss(images + 3, images, 1).item()
    assert value == pytest.approx(math.sqrt(10) - 1 + math.log(2 * math.e * 0.60190723), rel=1e-4)


def test_it_learns_a_small_scale_where_errors_are_small() -> None:
    torch.manual_seed(0)
    loss, images = AdaptiveLoss(1), torch.zeros(64, 3, 4, 4)
    decoded = 0.1 * torch.randn(64, 3, 4, 4)
    decoded[:, :, :2] *= 10
    optimizer = torch.optim.Adam(loss.parameters(), 0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss(decoded, images, 0).backward()
        optimizer.step()
    scales = loss.scales[0].mean((0, 2))
    assert scales[:2].min() > scales[2:].max() + 1


def test_a_level_begins_with_the_parameters_of_the_one_below() -> None:
    loss = AdaptiveLoss(2)
    with torch.no_grad():
        loss.shapes[0].normal_()
        loss.scales[0].normal_()
    loss.enter(1)
    for small, large in ((loss.shapes[0], loss.shapes[1]), (loss.scales[0], loss.scales[1])):
        for row in range(2):
            for column in range(2):
                assert torch.equal(large[:, row::2, column::2], small)
