"""Presets from published directions, on a decoder and readings in which every number is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.latent.presets import read_preset
from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM
from facemod.training.presets.gauge import Gauge, yaw_of
from facemod.training.presets.levels import CORRELATION
from facemod.training.presets.published import evidence_of, made, write
from facemod.training.presets.published_directions import Directions, without
from facemod.training.presets.published_recipes import HELD, ORIGINS, RECIPES, Part, Published

ROOT = Path(__file__).parents[3]
OLDER, SPECTACLES = 0, 1  # the axes of w that the toy decoder shows, in slot 2 alone


def axis(number: int) -> Tensor:
    vector = torch.zeros(STYLE_DIM)
    vector[number] = 1
    return vector


def gauge() -> Gauge:
    """Shows the first numbers of slot 2 of a direction, and reads them."""

    def readings(pictures: Tensor) -> dict[str, Tensor]:
        return {"Age": 40 * pictures[:, OLDER, 0, 0], "Eyeglasses": pictures[:, SPECTACLES, 0, 0]}

    def draw(direction: Tensor) -> Tensor:
        return direction[None, 2, :3, None, None].repeat(3, 1, 1, 1)

    nobody = SimpleNamespace(name="nobody", detect=lambda rgb: [])
    return Gauge(draw, readings, nobody)


def known() -> Directions:
    """An age that puts glasses on, and glasses."""
    age = 0.5 * axis(OLDER) + 0.5 * axis(SPECTACLES)
    found = {"e4e/age": age, "featurestyle/eyeglasses": axis(SPECTACLES),
             "seeprettyface/glasses": axis(7)}  # fmt: skip
    return Directions({name: vector.expand(SLOTS, STYLE_DIM) for name, vector in found.items()})


AGE = Published(
    "age", "+1 is older", "Face", {"e4e/age": 1.0}, (1, 4), (-3, 4), ("glasses",),
    {"Age": "years"}, ("Age", 10.0),
)  # fmt: skip


def test_a_direction_is_guarded_and_stays_in_its_slots() -> None:
    direction = known().of(AGE)
    assert not direction[0].any()
    assert not direction[5:].any()
    torch.testing.assert_close(direction[1], 0.5 * axis(OLDER))


def test_parts_are_added_in_slots_of_their_own() -> None:
    recipe = replace(AGE, also=(Part((4, 6), {"e4e/age": 2.0}),))
    direction = known().of(recipe)
    assert recipe.reach == (1, 6)
    torch.testing.assert_close(direction[3], 0.5 * axis(OLDER))
    torch.testing.assert_close(direction[4], 1.5 * axis(OLDER))
    torch.testing.assert_close(direction[6], axis(OLDER))
    assert not direction[7:].any()


def test_presets_that_were_learnt_may_be_a_part_and_those_that_are_made_here_not() -> None:
    found = known().with_learnt()
    learnt = read_preset(ROOT / "presets" / "brows-raise.safetensors").direction()
    torch.testing.assert_close(found["facemod/brows-raise"], learnt)
    assert "facemod/age" not in found.known


def test_without_leaves_nothing_of_any_guard() -> None:
    draw = torch.Generator().manual_seed(1)
    a, b, c = (torch.randn(SLOTS, STYLE_DIM, generator=draw) for _ in range(3))
    left = without(a, [b, c])
    assert float((left * b).sum(1).abs().max()) < 1e-3
    assert float((left * c).sum(1).abs().max()) < 1e-3
    assert float((left * a).sum()) > 0


def test_a_unit_scales_until_a_step_does_what_it_says() -> None:
    found = made(AGE, known(), gauge())
    assert found.up["Age"] == pytest.approx(10, rel=0.08)
    assert found.down["Age"] == pytest.approx(-10, rel=0.08)
    assert found.up["Eyeglasses"] == pytest.approx(0, abs=1e-5)


def test_a_unit_is_found_where_photos_hold_small_changes_back() -> None:
    def readings(pictures: Tensor) -> dict[str, Tensor]:
        return {"Age": 200 * pictures[:, OLDER, 0, 0] ** 3}

    found = made(AGE, known(), replace(gauge(), readings=readings))
    assert found.up["Age"] == pytest.approx(10, rel=0.25)


def test_a_direction_that_does_nothing_of_the_kind_is_refused() -> None:
    wrong = replace(AGE, terms={"featurestyle/eyeglasses": 1.0}, guards=())
    with pytest.raises(InputError, match=r"age: its direction changes Age by 0% of what \+1"):
        made(wrong, known(), gauge())


def test_a_file_says_what_was_measured_and_whose_it_is(tmp_path: Path) -> None:
    found = made(AGE, known(), gauge())
    path = write(AGE, found, {"Age": 20.0, "Eyeglasses": 1.0}, tmp_path)
    preset = read_preset(path)
    assert preset.evidence == {"years, change at -1": -10.0, "years, change at +1": 10.0}
    assert preset.effects == {"age": 0.5}
    assert preset.range == (-3, 4)
    assert "encoder4editing" in preset.source
    assert preset.level_centre is None  # levels are fitted to photos later


def test_a_turned_face_has_its_nose_aside() -> None:
    ahead = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], float)
    assert yaw_of(ahead) == pytest.approx(0)
    turned = ahead.copy()
    turned[2, 0] += 0.6 * 40 * np.tan(np.radians(10))
    assert yaw_of(turned) == pytest.approx(10, abs=1e-6)
    tilted = turned @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    assert yaw_of(tilted) == pytest.approx(10, abs=1e-6)


def test_directions_are_read_by_name_and_axis(tmp_path: Path) -> None:
    path = tmp_path / "directions.npz"
    slotted = np.arange(SLOTS * STYLE_DIM, dtype=np.float32).reshape(SLOTS, STYLE_DIM)
    axes = np.ones((3, 1, STYLE_DIM), np.float32) * np.arange(3)[:, None, None]
    np.savez(path, **{"a/one": np.ones(STYLE_DIM), "b/slots": slotted, "c/comp": axes,
                      "c/std": np.ones(3)})  # fmt: skip
    read = Directions.read(path)
    assert set(read.known) == {"a/one", "b/slots", "c/0", "c/1", "c/2"}
    assert read["c/2"].shape == (SLOTS, STYLE_DIM)
    assert float(read["c/2"].mean()) == 2
    np.testing.assert_array_equal(read["b/slots"].numpy(), slotted)
    with pytest.raises(InputError, match="holds no c/3"):
        read["c/3"]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "directions.npz"
    path.write_text("words")
    with pytest.raises(InputError, match="not an npz of directions"):
        Directions.read(path)


def test_recipes_name_what_there_is() -> None:
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES)
    for recipe in RECIPES:
        assert set(recipe.sources) <= set(ORIGINS)
        assert set(recipe.guards) <= set(HELD)
        assert recipe.unit is None or recipe.unit[0] in recipe.shown


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_shipped_presets_are_those_of_the_recipes(recipe: Published) -> None:
    preset = read_preset(ROOT / "presets" / f"{recipe.name}.safetensors")
    assert preset.source == recipe.credit
    facts = (preset.meaning, preset.range, preset.slots, preset.guards)
    assert facts == (recipe.meaning, recipe.range, recipe.reach, recipe.still)
    told = {f"{words}, change at {at}" for words in recipe.shown.values() for at in ("-1", "+1")}
    # What fitting levels adds is none of the recipe's.
    assert set(preset.evidence) - {CORRELATION} == told
    if recipe.unit is not None:
        words, wanted = recipe.shown[recipe.unit[0]], recipe.unit[1]
        done = preset.evidence[f"{words}, change at +1"] - preset.evidence[f"{words}, change at -1"]
        assert done / 2 == pytest.approx(wanted, rel=0.3)


def test_what_labels_hold_still_is_told_once() -> None:
    recipe = replace(AGE, terms={"told/bald": 1.0, "e4e/age": 1.0})
    assert recipe.still == ("glasses", "smile", "age")
    assert recipe.named("told") == {"bald"}
    assert AGE.still == AGE.guards


def test_directions_that_labels_tell_are_known_by_their_names() -> None:
    told = axis(9).expand(SLOTS, STYLE_DIM)
    direction = known().with_told({"bald": told}).of(replace(AGE, terms={"told/bald": 2.0}))
    torch.testing.assert_close(direction[1], 2 * axis(9))


def test_credit_is_given_to_all() -> None:
    both = replace(AGE, terms={"told/bald": 1.0, "e4e/age": 1.0})
    assert both.credit == f"published directions: {ORIGINS['e4e']}; {ORIGINS['told']}"
    assert replace(AGE, terms={"told/bald": 1.0}).credit == ORIGINS["told"]


def test_evidence_is_of_what_the_recipe_is_about() -> None:
    found = made(AGE, known(), gauge())
    assert json.loads(json.dumps(evidence_of(AGE, found))) == {
        "years, change at -1": -10.0, "years, change at +1": 10.0,
    }  # fmt: skip
