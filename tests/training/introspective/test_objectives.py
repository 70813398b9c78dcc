"""Every term of the objectives against values computed by hand, and which way it pulls."""

from __future__ import annotations

import math

import pytest
import torch

from facemod.training.introspective.objectives import (
    absolute,
    contest,
    divergence,
    entanglement,
    latent_mismatch,
)  # fmt: skip


def test_divergence_by_hand() -> None:
    # dimension 0: mean 1, variance 1; dimension 1: mean 0, variance 4
    latents = torch.tensor([[0.0, -2.0], [2.0, 2.0]])
    first = (1 + 1) / 2 - 0.5
    second = 4 / 2 - math.log(4) / 2 - 0.5
    assert divergence(latents).item() == pytest.approx((first + second) / 2, rel=1e-6)


def test_divergence_is_least_for_evenly_spread_latents() -> None:
    torch.manual_seed(0)
    even = torch.nn.functional.normalize(torch.randn(256, 16))
    leaning = torch.nn.functional.normalize(torch.randn(256, 16) + 1)
    flat = torch.nn.functional.normalize(torch.randn(256, 16) * torch.linspace(0.1, 2, 16))
    assert divergence(even) < divergence(flat)
    assert divergence(even) < divergence(leaning)


def test_divergence_pulls_towards_the_centre() -> None:
    torch.manual_seed(0)
    latents = (torch.randn(64, 4) + 3).requires_grad_()
    divergence(latents).backward()
    assert (latents.grad.mean(0) > 0).all()  # descending moves the mean down to 0


@pytest.mark.parametrize(
    ("margin", "both", "gap", "value"),
    [
        (0.0, True, -5.0, -0.5),
        (0.0, True, 5.0, 0.5),
        (0.2, False, -5.0, -0.2),
        (0.2, False, -1.0, -0.1),
        (0.2, False, 5.0, 0.5),
        (0.2, True, 5.0, 0.1),
    ],
)
def test_contest_by_hand(margin: float, both: bool, gap: float, value: float) -> None:
    real, fake = torch.tensor(3.0), torch.tensor(3.0 - gap)
    assert contest(real, fake, margin, bounded_above=both).item() == pytest.approx(value)


def test_contest_stops_pulling_beyond_its_margin() -> None:
    for fake, slope in ((4.0, 0.1), (9.0, 0.0)):
        real = torch.tensor(3.0, requires_grad=True)
        contest(real, torch.tensor(fake), 0.2, bounded_above=False).backward()
        assert real.grad.item() == pytest.approx(slope)


def test_latent_mismatch_by_hand() -> None:
    latents = torch.eye(4)[:2]
    assert latent_mismatch(latents, latents).item() == pytest.approx(100 * (2 - 1 / 4))
    assert latent_mismatch(-latents, latents).item() == pytest.approx(100 * (2 + 1 / 4))


def test_latent_mismatch_pulls_towards_the_latent() -> None:
    recovered = torch.zeros(1, 4, requires_grad=True)
    target = torch.eye(4)[:1]
    latent_mismatch(recovered, target).backward()
    assert torch.equal(-recovered.grad.sign(), target)


def test_image_and_feature_differences_by_hand() -> None:
    zero = torch.zeros(2, 3, 4, 4)
    assert absolute(zero + 0.5, zero).item() == pytest.approx(0.5)
    assert entanglement(zero, zero + 0.5).item() == pytest.approx(0.25)
