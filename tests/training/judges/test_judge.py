"""Measures on pictures whose truth is known: shifted, stretched, brightened."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from facemod.training.judges import attributes
from facemod.training.judges.judge import LEARNT, LIGHTS, NAMES, PLACES, STILL, Judge, lights
from facemod.training.judges.motion import (
    BOXES,
    MOTIONS,
    SHIFT_X,
    SHIFT_Y,
    STRETCH_Y,
    box_motion,
    motions,
)
from facemod.training.presets.response import STEP, Response, in_units, placed, slopes_of


@pytest.fixture(scope="module")
def face() -> torch.Tensor:
    """Smooth noise, which has gradients everywhere."""
    noise = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    return F.interpolate(noise, (128, 128), mode="bicubic").clamp(-1, 1)


def warped(face: torch.Tensor, x: float = 0.0, y: float = 0.0, taller: float = 1.0, middle=0.0):
    """The face moved right and down in px, stretched vertically around ``middle`` in -1..1."""
    rows, columns = torch.meshgrid(*(2 * [(torch.arange(128) + 0.5) / 64 - 1]), indexing="ij")
    grid = torch.stack([columns - x / 64, (rows - y / 64 - middle) / taller + middle], -1)
    return F.grid_sample(face, grid[None], align_corners=False, padding_mode="border")


@pytest.mark.parametrize("box", BOXES)
def test_shifts_are_seen_in_px(face, box):
    found = box_motion(face, warped(face, x=0.4, y=-0.6), BOXES[box])[0]
    assert float(found[SHIFT_X]) == pytest.approx(0.4, abs=0.08)
    assert float(found[SHIFT_Y]) == pytest.approx(-0.6, abs=0.08)


def test_stretches_are_seen(face):
    _, top, _, bottom = BOXES["left-eye"]
    middle = (top + bottom) / 128 - 1
    found = box_motion(face, warped(face, taller=1.1, middle=middle), BOXES["left-eye"])[0]
    assert float(found[STRETCH_Y]) == pytest.approx(0.1 * (bottom - top) / 2, abs=0.15)
    assert abs(float(found[SHIFT_Y])) < 0.1


def test_light_is_not_motion(face):
    brighter = 0.8 * face + 0.1
    assert motions(face, brighter).abs().max() < 0.1


def test_moving_everything_is_no_expression(face):
    """Heights and poses compare parts of the face with each other."""
    found = dict(zip(MOTIONS, motions(face, warped(face, x=0.5, y=0.5))[0].tolist(), strict=True))
    for name in ("brow-height", "yaw", "pitch"):
        assert abs(found[name]) < 0.15


@pytest.mark.parametrize(
    ("name", "place", "colour"),
    [
        ("skin-light", "skin", (0.2, 0.2, 0.2)),
        ("hair-light", "hair", (0.2, 0.2, 0.2)),
        ("warmth", "skin", (0.3, 0, -0.3)),
        ("lip-red", "mouth", (0.3, -0.3, 0)),
        ("eye-blue", "left-iris", (0, 0, 0.4)),
        ("brow-dark", "brows", (-0.2, -0.2, -0.2)),
        ("backdrop-light", "left-corner", (0.2, 0.2, 0.2)),
    ],
)
def test_paint_in_a_place_is_seen(name, place, colour):
    gray = torch.zeros(1, 3, 128, 128)
    painted = gray.clone()
    left, top, right, bottom = PLACES[place]
    painted[:, :, top:bottom, left:right] = torch.tensor(colour)[:, None, None]
    change = (lights(painted) - lights(gray))[0]
    assert float(change[LIGHTS.index(name)]) > 0.05


@torch.inference_mode()
def test_changes_are_in_the_units_that_were_given(face):
    words = (*(word for word, _ in LEARNT.values()),)
    net = attributes.AttributeNet(words).eval()
    brighter = face + 0.1
    plain, halved = Judge(net), Judge(net, {"exposure": 2.0})
    place = NAMES.index("exposure")
    change = plain.changes(face, brighter)
    assert change.shape == (1, len(NAMES))
    assert float(change[0, place]) == pytest.approx(0.1, abs=1e-3)
    assert float(halved.changes(face, brighter)[0, place]) == pytest.approx(0.05, abs=1e-3)
    assert not plain.changes(face, face).any()
    assert plain.scores(face).shape == (1, len(STILL))


@pytest.mark.parametrize("build", attributes.BUILDS)
def test_both_builds_of_the_network_look_at_any_size(build):
    net = attributes.AttributeNet(("a", "b", "Age"), build).eval()
    assert net.scores(torch.zeros(2, 3, 128, 128)).shape == (2, 3)


def test_slopes_are_found_again():
    generator = torch.Generator().manual_seed(8)
    truth = torch.randn(2, 5, 3, generator=generator)
    steps = STEP * torch.randn(4000, 2, 5, generator=generator)
    changes = torch.einsum("ngk,gkm->nm", steps, truth)
    # The ridge takes its share.
    assert torch.allclose(slopes_of(steps, changes) * 1.1, truth, atol=0.05)


def test_steps_are_placed_in_their_groups():
    axes = torch.eye(3, 4)
    moves = placed(torch.tensor([[1.0, 0, 0], [0, 2, 0]]), axes, (1, 3), 16)
    assert moves[1].tolist() == moves[2].tolist() == [1, 0, 0, 0]
    assert moves[5].tolist() == moves[6].tolist() == [0, 2, 0, 0]
    assert moves.count_nonzero() == 4


def test_motion_gets_the_deviation_that_is_predicted_for_natural_faces():
    slopes = torch.rand(8, 5, len(NAMES), generator=torch.Generator().manual_seed(2))
    bare = Response(*(torch.zeros(1) for _ in range(2)), slopes, torch.zeros(1),
                    torch.ones(len(NAMES)))  # fmt: skip
    found = in_units(bare, torch.full((len(STILL),), 3.0))
    natural = found.slopes.sum(0).norm(dim=0)
    assert torch.allclose(natural[-len(MOTIONS) :], torch.ones(len(MOTIONS)))
    assert found.unit_of()["exposure"] == 3.0
    assert found.unit_of()["smile"] == 1.0
