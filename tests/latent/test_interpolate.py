"""Walks: straight lines whose frames meet every face exactly."""

from __future__ import annotations

import itertools

import pytest
import torch

from facemod.errors import UsageError
from facemod.latent.codes import Codes
from facemod.latent.interpolate import EASINGS, Step, lerp, walk


def codes(value: float) -> Codes:
    return Codes(torch.full((1, 2, 3), float(value)), "wavelet", (4, 16))


def test_lerp_is_a_straight_line():
    assert lerp(codes(1), codes(3), 0.25).styles.eq(1.5).all()
    assert torch.equal(lerp(codes(1), codes(3), 0.0).styles, codes(1).styles)
    assert torch.equal(lerp(codes(1), codes(3), 1.0).styles, codes(3).styles)


def test_lerp_between_models_is_refused():
    with pytest.raises(UsageError):
        lerp(codes(0), Codes(torch.zeros(1, 2, 3), "pioneer", (4, 16)), 0.5)


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
