"""Steps that grow shorter for faces that have what they add."""

from itertools import pairwise

import pytest
import torch

from facemod.errors import ModelError
from facemod.latent.codes import Codes
from facemod.latent.presets import get_preset, read_preset
from facemod.latent.steps import remaining
from facemod.latent.strengths import Strength, preset_edit
from tests.latent.test_strengths import SPACE, level_of, toy_direction, user_folder, write_preset

__all__ = ["user_folder"]  # a fixture
ENDS = (-0.5, 0.5)


@pytest.mark.parametrize(
    ("strength", "level", "left"),
    [
        (1, -3, 1), (1, -0.5, 1), (1, 0, 1),  # those who have none of it, or less than half
        (1, 0.25, 0.5), (1, 0.5, 0), (1, 4, 0), (2, 0.5, 1), (0.4, 0.25, 0.2), (0.4, 0.5, 0),
        (-1, 3, -1), (-1, 0, -1), (-1, -0.25, -0.5), (-1.5, -0.5, -0.5), (0, 0.5, 0),
    ],
)  # fmt: skip
def test_a_step_is_as_much_shorter_as_a_face_is_past_the_middle(strength, level, left):
    assert remaining(strength, level, ENDS) == pytest.approx(left)


def test_steps_never_turn_round_and_never_jump():
    for strength in (-2.0, -0.7, 0.3, 1.5):
        lengths = [remaining(strength, at / 50, ENDS) for at in range(-60, 61)]
        assert all(length * strength >= 0 for length in lengths)
        assert all(abs(a - b) < 0.05 for a, b in pairwise(lengths))


def standing(*levels):
    """Faces at these levels of the preset toy."""
    direction = toy_direction()
    styles = torch.stack([(level + 0.5) * direction for level in levels])
    return Codes(styles, "wavelet", tuple(range(len(direction))))


def test_each_face_gets_its_own_step(user_folder):
    write_preset(user_folder, level_ends=ENDS)
    faces = standing(-0.5, 0.25, 0.5)
    edit = preset_edit({"toy": Strength(1.0)}, SPACE)
    torch.testing.assert_close(
        level_of("toy", edit(faces)), torch.tensor([0.5, 0.75, 0.5]), atol=1e-3, rtol=0
    )
    alone = [edit(faces[i]).styles[0] for i in range(3)]
    assert torch.equal(torch.stack(alone), edit(faces).styles)


def test_people_are_told_of_a_step_that_a_face_does_not_need(user_folder):
    write_preset(user_folder, level_ends=ENDS)
    edit = preset_edit({"toy": Strength(1.0)}, SPACE)
    (note,) = edit.notes(standing(-0.5, 0.2, 0.5))
    assert note.startswith("--toy +1 becomes +0.00: ")
    assert preset_edit({"toy": Strength(2.0)}, SPACE).notes(standing(0.5)) == []


def test_a_preset_without_ends_is_the_same_step_for_all(user_folder):
    write_preset(user_folder)
    faces = standing(-0.5, 0.5)
    moved = preset_edit({"toy": Strength(1.0)}, SPACE)(faces)
    torch.testing.assert_close(moved.styles, faces.styles + toy_direction())


def test_levels_are_read_off_the_photo_so_that_order_makes_no_difference(user_folder):
    a, b = toy_direction(0), toy_direction(1)
    write_preset(user_folder, "age", a, leak=(b, 0.6), level_ends=ENDS)
    write_preset(user_folder, "smile", b, leak=(a, -0.4), level_ends=ENDS)
    faces = Codes((0.3 * a + 0.4 * b)[None], "wavelet", tuple(range(len(a))))
    both = {"age": Strength(1.2), "smile": Strength(-0.8)}
    one = preset_edit(both, SPACE)(faces).styles
    other = preset_edit(dict(reversed(both.items())), SPACE)(faces).styles
    assert torch.equal(one, other)
    apart = [preset_edit({name: s}, SPACE)(faces).styles - faces.styles for name, s in both.items()]
    torch.testing.assert_close(one - faces.styles, apart[0] + apart[1])


def test_a_level_is_reached_whatever_a_shortened_step_adds(user_folder):
    a, b = toy_direction(0), toy_direction(1)
    write_preset(user_folder, "age", a, leak=(b, 0.6))
    write_preset(user_folder, "toy", b, level_ends=ENDS)
    faces = Codes((0.9 * b)[None], "wavelet", tuple(range(len(a))))
    moved = preset_edit({"age": Strength(1, absolute=True), "toy": Strength(1.0)}, SPACE)(faces)
    torch.testing.assert_close(level_of("age", moved), torch.ones(1), atol=1e-3, rtol=0)


@pytest.mark.parametrize("facts", [{"level_ends": [1, 0]}, {"level_ends": [0, 1, 2]},
                                   {"level_ends": [0, 1], "level_centre": None}])  # fmt: skip
def test_ends_that_make_no_sense_are_refused(user_folder, facts):
    write_preset(user_folder, **facts)
    with pytest.raises(ModelError, match=r"no sense|incomplete"):
        read_preset(user_folder / "toy.safetensors")


def test_ends_are_read(user_folder):
    write_preset(user_folder, level_ends=ENDS)
    assert get_preset("toy").level_ends == ENDS
