"""Moving along presets by strengths and to levels, checked against presets of known measure."""

import math
from dataclasses import replace

import pytest
import torch

from facemod.errors import ModelError, UsageError
from facemod.latent import presets
from facemod.latent.codes import Codes, Details
from facemod.latent.presets import CodeSpace
from facemod.latent.strengths import (
    YIELDING,
    Strength,
    common_region,
    edit_direction,
    parse_strength,
    preset_edit,
)
from facemod.weights.files import save_weights

SLOTS, DIM = 16, 512
SPACE = CodeSpace("wavelet", SLOTS, DIM)


def toy_direction(seed=0):
    """A direction that has nothing to do with those of two other seeds."""
    direction = torch.zeros(SLOTS, DIM)
    direction[3:7] = torch.randn(4, DIM, generator=torch.Generator().manual_seed(seed)).half()
    direction[:, torch.arange(DIM) % 3 != seed % 3] = 0
    return direction


def write_preset(folder, name="toy", direction=None, leak=None, stretch=1.0, **facts):
    """A preset whose level rises by one along its direction, and by ``leak`` along another's.

    All of it is ``stretch`` times as much.
    """
    direction = toy_direction() if direction is None else direction
    level = direction / direction.square().sum()
    if leak is not None:
        other, amount = leak
        level = level + amount * other / other.square().sum()
    facts = {
        "name": name, "meaning": "more", "panel": "Face", "range": [-3, 3], "slots": [3, 6],
        "family": "wavelet", "guards": [], "effects": {}, "source": "made up",
        "level_centre": 0.5, **facts,
    }  # fmt: skip
    tensors = {"direction": direction, "level": stretch * level}
    save_weights(folder / f"{name}.safetensors", tensors, facts, dtype=torch.float32)


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(presets, "preset_folders", lambda: [tmp_path])
    return tmp_path


def codes(count=3):
    generator = torch.Generator().manual_seed(9)
    styles = 0.1 * torch.randn(count, SLOTS, DIM, generator=generator)
    return Codes(styles, "wavelet", tuple(range(SLOTS)))


def level_of(name, codes):
    preset = presets.get_preset(name)
    return torch.einsum("sd,nsd->n", preset.level(), codes.styles) - preset.level_centre


def test_strengths_are_written_as_they_are_read():
    for text, short in (
        ("+1.5", "+1.5"),
        ("to:-1", "to-1"),
        ("like:my/friend.jpg", "-like-friend"),
    ):
        strength = parse_strength(text)
        assert (str(strength), strength.short) == (text, short)


@pytest.mark.parametrize(
    ("text", "value", "absolute"),
    [("1.5", 1.5, False), ("+2", 2, False), ("-1", -1, False), ("to:-0.5", -0.5, True)],
)
def test_strengths_are_read_and_written(text, value, absolute):
    strength = parse_strength(text)
    assert strength == Strength(value, absolute)
    assert parse_strength(str(strength)) == strength


@pytest.mark.parametrize("text", ["", "to:", "to", "much", "nan", "to:inf", "1e999", "to:to:1"])
def test_what_is_no_strength(text):
    with pytest.raises(ValueError):
        parse_strength(text)


def test_plain_strengths_shift_every_face_alike(user_folder):
    write_preset(user_folder)
    edit = preset_edit({"toy": Strength(1.5)}, SPACE)
    moved = edit(codes())
    expected = codes().styles + 1.5 * toy_direction()
    torch.testing.assert_close(moved.styles, expected)
    assert edit.notes(codes()) == []


def test_every_face_comes_to_the_level(user_folder):
    write_preset(user_folder)
    moved = preset_edit({"toy": Strength(1, absolute=True)}, SPACE)(codes())
    torch.testing.assert_close(level_of("toy", moved), torch.ones(3))


def test_photos_differ_by_more_than_their_codes_say(user_folder):
    """A stretched level changes what photos are worth, and not what steps are."""
    plain = {"toy": Strength(1, absolute=True)}
    write_preset(user_folder, level_centre=0.0)
    one = preset_edit(plain, SPACE, limited=False).strengths(codes())
    write_preset(user_folder, level_centre=0.0, stretch=2.5)
    other = preset_edit(plain, SPACE, limited=False).strengths(codes())
    torch.testing.assert_close(1 - other, 2.5 * (1 - one))


def test_the_steps_of_others_are_not_stretched(user_folder):
    a, b = toy_direction(0), toy_direction(1)
    found = []
    for stretch in (1.0, 2.5):
        write_preset(user_folder, "age", a, leak=(b, 0.6), level_centre=0.0, stretch=stretch)
        write_preset(user_folder, "pale", b)
        strengths = {"age": Strength(1, absolute=True), "pale": Strength(0.7)}
        still = codes().shifted(-codes().styles[0])  # the first face stands at 0
        found.append(float(preset_edit(strengths, SPACE, limited=False).strengths(still)[0]))
    assert found[0] == pytest.approx(found[1], abs=1e-4)
    assert found[0] != pytest.approx(1, abs=0.1)


def test_levels_of_presets_that_leak_are_met_at_once(user_folder):
    a, b = toy_direction(0), toy_direction(1)
    write_preset(user_folder, "age", a, leak=(b, 0.6))
    write_preset(user_folder, "smile", b, leak=(a, -0.4))
    write_preset(user_folder, "pale", 0.3 * a + toy_direction(2))
    strengths = {
        "smile": Strength(-0.5, absolute=True), "pale": Strength(0.7), "age": Strength(1, True),
    }  # fmt: skip
    edit = preset_edit(strengths, SPACE)
    moved = edit(codes())
    torch.testing.assert_close(level_of("age", moved), torch.ones(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(level_of("smile", moved), -0.5 * torch.ones(3), atol=1e-4, rtol=0)
    other = preset_edit(dict(reversed(strengths.items())), SPACE)(codes())
    assert torch.equal(moved.styles, other.styles)


def test_the_natural_range_limits_the_way_to_a_level(user_folder):
    write_preset(user_folder, range=[-1, 1])
    target = {"toy": Strength(5, absolute=True)}
    edit = preset_edit(target, SPACE)
    assert edit.strengths(codes()).tolist() == [[1.0]] * 3
    (note, *more) = edit.notes(codes())
    assert "gets +1.00" in note
    assert len(more) == 2
    free = preset_edit(target, SPACE, limited=False)
    torch.testing.assert_close(level_of("toy", free(codes())), torch.full((3,), 5.0))
    assert free.notes(codes()) == []


def test_presets_that_are_too_alike_cannot_go_to_a_level_each(user_folder):
    write_preset(user_folder, "smile")
    write_preset(user_folder, "grin", toy_direction() + 0.01 * toy_direction(1))
    both = {name: Strength(1, absolute=True) for name in ("smile", "grin")}
    with pytest.raises(UsageError, match="--grin, --smile: too alike"):
        preset_edit(both, SPACE)(codes())


def test_a_preset_without_a_measure_has_no_level(user_folder):
    write_preset(user_folder, level_centre=None)
    preset_edit({"toy": Strength(1)}, SPACE)
    with pytest.raises(UsageError, match="measures no level"):
        preset_edit({"toy": Strength(1, absolute=True)}, SPACE)


def test_the_order_of_strengths_makes_no_difference(user_folder):
    for seed, name in enumerate(("age", "smile", "beard")):
        write_preset(user_folder, name, toy_direction(seed))
    one = edit_direction({"age": 1.1, "smile": -0.3, "beard": 0.7}, SPACE)
    other = edit_direction({"beard": 0.7, "smile": -0.3, "age": 1.1}, SPACE)
    assert torch.equal(one, other)
    expected = 1.1 * toy_direction(0) - 0.3 * toy_direction(1) + 0.7 * toy_direction(2)
    torch.testing.assert_close(one, expected, atol=5e-3, rtol=0)


def test_no_strengths_are_no_edit():
    assert not edit_direction({}, SPACE).any()


def test_presets_of_other_models_are_refused(user_folder):
    write_preset(user_folder, "foreign", family="pioneer")
    write_preset(user_folder)
    with pytest.raises(ModelError, match="pioneer"):
        edit_direction({"foreign": 1}, SPACE)
    with pytest.raises(ModelError, match="16 x 512"):
        edit_direction({"toy": 1}, CodeSpace("wavelet", 8, DIM))


def test_strengths_must_be_finite(user_folder):
    write_preset(user_folder)
    with pytest.raises(UsageError, match="finite"):
        edit_direction({"toy": math.nan}, SPACE)


def test_presets_show_in_their_boxes_together_or_everywhere(user_folder):
    mouth, brows = [0.3, 0.6, 0.7, 0.9], [0.2, 0.2, 0.8, 0.5]
    write_preset(user_folder, "mouth", region=[mouth])
    write_preset(user_folder, "brows", region=[brows])
    write_preset(user_folder, "light")
    assert common_region(["mouth"]) == (tuple(mouth),)
    assert common_region(["mouth", "brows"]) == (tuple(brows), tuple(mouth))
    assert common_region(["mouth", "light"]) == ()
    edit = preset_edit({"mouth": Strength(1.0)}, SPACE)
    assert edit.region == (tuple(mouth),)


def test_details_give_way_more_readily_than_usual_to_every_preset(user_folder):
    write_preset(user_folder, "mouth", region=[[0.3, 0.6, 0.7, 0.9]])
    write_preset(user_folder, "light")
    plain = codes(1)
    plain = replace(plain, details=(Details.of(torch.ones(1, 2, 4, 4), plain.styles),))
    for names in (["mouth"], ["light"], ["light", "mouth"]):
        edit = preset_edit({name: Strength(1.0) for name in names}, SPACE)
        assert edit(plain).details[0].yielding.tolist() == [YIELDING]
