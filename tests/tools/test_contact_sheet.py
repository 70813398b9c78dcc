"""The contact sheet of presets: which strengths, and that people stand where they should."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from facemod.latent.presets import find_presets, read_preset

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sheet() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "contact_sheet", ROOT / "tools" / "contact_sheet.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("ends", "columns"),
    [
        ((-2.0, 1.75), [-2, -1, 1, 1.75]),
        ((0.0, 1.5), [None, None, 1, 1.5]),
        ((-1.0, 1.0), [-1, None, None, 1]),
    ],
)
def test_each_strength_is_shown_once(
    sheet: ModuleType, ends: tuple[float, float], columns: list[float | None]
) -> None:
    preset = read_preset(ROOT / "presets" / "smile.safetensors")
    assert sheet.ends_and_ones(replace(preset, range=ends)) == columns


def test_people_stand_beside_each_other_above_a_label(sheet: ModuleType) -> None:
    people = [np.full((8, 8, 3), 40 * i, np.uint8) for i in range(3)]
    block = sheet.block(people, "x", 4, 3)
    assert block.shape[1] == 3 * 4 + 2 * sheet.GAP
    assert [int(block[2, 1 + i * (4 + sheet.GAP), 0]) for i in range(3)] == [0, 40, 80]
    assert len(block) > 4


def test_the_readme_shows_strengths_within_their_ranges(sheet: ModuleType) -> None:
    shipped = find_presets([ROOT / "presets"])[0]
    for name, at in sheet.SOME.items():
        assert shipped[name].range[0] <= at <= shipped[name].range[1]
