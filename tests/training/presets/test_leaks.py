"""The tables of leaks, from a toy world in which every number is known."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from facemod.training.judges.judge import NAMES
from facemod.training.presets import leaks
from facemod.training.presets.leaks import (
    MAIN,
    Leaks,
    markdown_table,
    measure,
    outside_change,
    page,
)
from facemod.training.presets.plain_directions import classifier_normal, mean_difference
from facemod.training.presets.recipes import RECIPES

SMILE, AGE = NAMES.index("smile"), NAMES.index("age")
RECIPE = next(recipe for recipe in RECIPES if recipe.name == "smile")


class Studio:
    def render(self, styles: torch.Tensor, *, exact: bool = False) -> torch.Tensor:
        return styles[:, :1, :1, None].expand(-1, 3, 128, 128)


class Judge:
    """Brightness is the smile, and half of it the age."""

    def changes(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        found = torch.zeros(len(before), len(NAMES))
        found[:, SMILE] = (after - before).mean((1, 2, 3))
        found[:, AGE] = found[:, SMILE] / 2
        return found


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Leaks:
    monkeypatch.setattr(leaks, "similarity", lambda identity, a, b: torch.full((len(a),), 0.9))
    scene = leaks.Scene(Studio(), Judge(), None, torch.zeros(5, 16, 4))
    direction = torch.zeros(16, 4)
    direction[0, 0] = 0.8
    return measure(RECIPE, direction, scene, 4)


def test_effects_leak_and_success(found: Leaks) -> None:
    assert found.own == pytest.approx(0.8)
    assert float(found.down[SMILE]) == pytest.approx(-0.8)
    assert found.leak == pytest.approx(0.5 / (len(MAIN) - 1))
    assert (found.success, found.identity, found.faces) == (1.0, pytest.approx(0.9), 4)


def test_the_page_holds_every_table(found: Leaks) -> None:
    text = page([found], [found], [("smile", "linear SVM", "0.40", "0.80")])
    assert "| `smile` | +0.80 | -0.80 | 100% |" in text
    assert "age +0.40" in text
    assert "| smile | linear SVM | 0.40 | 0.80 |" in text
    assert "| smile | facemod | 0.05 | 0.90 |" in text
    for row in text.splitlines():
        if row.startswith("|"):
            assert row.endswith("|")


def test_tables_have_a_rule_below_their_head() -> None:
    assert markdown_table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_only_pixels_outside_of_the_region_count() -> None:
    before, after = torch.zeros(1, 3, 128, 128), torch.zeros(1, 3, 128, 128)
    after[:, :, 84:108, 40:88] = 1  # the mouth
    assert outside_change(before, after, "mouth") == 0
    assert outside_change(before, after, "brows") > 1
    assert outside_change(before, after, "anywhere") == 0


@pytest.mark.parametrize("way", [mean_difference, classifier_normal])
def test_plain_ways_point_where_scores_rise(way) -> None:
    generator = torch.Generator().manual_seed(1)
    styles = torch.randn(600, 10, generator=generator)
    scores = styles[:, 3] + 0.1 * torch.randn(600, generator=generator)
    direction = way(styles, scores)
    assert int(direction.abs().argmax()) == 3
    assert float(direction[3]) > 0
    assert float(direction[3] / direction.norm()) > 0.9


def test_main_measures_exist() -> None:
    names = {recipe.name for recipe in RECIPES}
    assert set(MAIN) <= names
    assert set(MAIN.values()) <= set(NAMES)


def test_the_page_in_docs_knows_every_preset_and_no_other() -> None:
    root = Path(__file__).parents[3]
    text = (root / "docs" / "presets.md").read_text()
    first = text[: text.index("## On real faces")]
    told = set(re.findall(r"^\| `([a-z-]+)` \|", first, flags=re.M))
    assert told == {path.stem for path in (root / "presets").glob("*.safetensors")}
