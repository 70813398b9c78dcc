"""Walks: straight lines whose frames meet every face exactly."""

from __future__ import annotations

import itertools
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from facemod.errors import UsageError
from facemod.latent.codes import Codes
from facemod.latent.interpolate import EASINGS, Step, between, walk


def codes(value: float) -> Codes:
    return Codes(torch.full((1, 2, 3), float(value)), "wavelet", (4, 16))


def test_lerp_is_a_straight_line():
    assert between(codes(1), codes(3), 0.25).styles.eq(1.5).all()
    assert torch.equal(between(codes(1), codes(3), 0.0).styles, codes(1).styles)
    assert torch.equal(between(codes(1), codes(3), 1.0).styles, codes(3).styles)


def test_lerp_between_models_is_refused():
    with pytest.raises(UsageError):
        between(codes(0), Codes(torch.zeros(1, 2, 3), "pioneer", (4, 16)), 0.5)


@pytest.mark.parametrize("ease", EASINGS)
def test_easings_run_from_0_to_1_and_never_back(ease):
    values = [EASINGS[ease](i / 50) for i in range(51)]
    assert values == sorted(values)
    assert (values[0], values[25], values[50]) == (0, pytest.approx(0.5), 1)


def test_easings_differ_in_how_fast_they_start():
    starts = [EASINGS[ease](0.1) for ease in ("linear", "smooth", "slow")]
    assert starts == sorted(starts, reverse=True)
    assert len(set(starts)) == 3


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize(("faces", "frames"), [(2, 3), (2, 30), (3, 31), (4, 50), (5, 97)])
def test_every_face_is_met_exactly_once(faces, frames, loop):
    steps = list(walk(faces, frames, loop=loop))
    assert len(steps) == frames
    met = [(step.leg + (step.t == 1.0)) % faces for step in steps if step.t in (0.0, 1.0)]
    assert met == list(range(faces))


def test_a_walk_begins_on_the_first_face_and_ends_on_the_last():
    steps = list(walk(3, 20))
    assert (steps[0], steps[-1]) == (Step(0, 0.0), Step(1, 1.0))


def test_a_loop_ends_one_step_before_the_first_face():
    steps = list(walk(2, 20, ease="linear", loop=True))
    assert steps[0] == Step(0, 0.0)
    assert (steps[-1].leg, steps[-1].t) == (1, pytest.approx(0.9))


def test_time_never_runs_back():
    steps = list(walk(4, 41, ease="slow"))
    times = [step.leg + step.t for step in steps]
    assert all(before < after for before, after in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("faces", "frames", "ease", "complaint"),
    [
        (1, 30, "smooth", "at least two faces"),
        (3, 2, "smooth", "too few for 2 legs; raise --seconds or --fps"),
        (2, 30, "jerky", "--ease jerky: unknown; choose one of linear, smooth, slow"),
    ],
)
def test_walks_that_cannot_be(faces, frames, ease, complaint):
    with pytest.raises(UsageError, match=complaint):
        list(walk(faces, frames, ease=ease))


def on_sphere(count: int, seed: int) -> Codes:
    styles = torch.randn(count, 2, 64, generator=torch.Generator().manual_seed(seed))
    styles /= styles.norm(dim=2, keepdim=True)
    return Codes(styles, "automodulator", (4, 8), geometry="sphere")


def test_walks_on_a_sphere_keep_to_it_at_even_speed() -> None:
    a, b = on_sphere(3, 1), on_sphere(3, 2)
    stops = [between(a, b, t).styles for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert torch.allclose(stops[0], a.styles, atol=1e-6)
    assert torch.allclose(stops[4], b.styles, atol=1e-6)
    steps = [(x * y).sum(2) for x, y in pairwise(stops)]
    assert all(torch.allclose(stop.norm(dim=2), torch.ones(3, 2), atol=1e-6) for stop in stops)
    assert all(torch.allclose(step, steps[0], atol=1e-5) for step in steps)
    assert not torch.allclose(stops[2], a.styles.lerp(b.styles, 0.5), atol=1e-2)


def test_points_without_one_arc_are_joined_by_a_line() -> None:
    a = on_sphere(1, 1)
    opposite = replace(a, styles=-a.styles)
    assert torch.allclose(between(a, a, 0.3).styles, a.styles, atol=1e-6)
    assert between(a, opposite, 0.5).styles.isfinite().all()
