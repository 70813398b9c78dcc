"""Levels that are read off codes, against what a judge sees on the photos."""

from __future__ import annotations

import pytest
import torch

from facemod.latent.presets import read_preset
from facemod.training.judges.judge import STILL
from facemod.training.presets.levels import LARGEST_GAIN, Photos, reading_of, refit
from facemod.training.presets.recipes import RECIPES
from facemod.weights.files import save_weights

RECIPE = {recipe.name: recipe for recipe in RECIPES}
SMILE = STILL.index("smile")


def photos(shrunk: float) -> Photos:
    """Codes whose first number is the smile, shrunk towards 3 by an unsure encoder."""
    shown = torch.linspace(-2, 2, 41)
    styles, scores = torch.zeros(41, 16, 8), torch.zeros(41, len(STILL))
    styles[:, 0, 0], scores[:, SMILE] = 3 + shrunk * shown, shown
    return Photos(styles, scores)


def level() -> torch.Tensor:
    level = torch.zeros(16, 8)
    level[0, 0] = 1
    return level


@pytest.mark.parametrize("shrunk", [1.0, 0.4])
def test_the_gain_undoes_what_the_encoder_shrinks(shrunk: float) -> None:
    found = reading_of(RECIPE["smile"], level(), photos(shrunk))
    assert found.centre == pytest.approx(3, abs=1e-4)
    assert found.gain == pytest.approx(1 / shrunk, abs=1e-3)
    assert found.correlation == pytest.approx(1, abs=1e-3)


def test_the_gain_has_an_end() -> None:
    assert reading_of(RECIPE["smile"], level(), photos(0.01)).gain == LARGEST_GAIN
    assert reading_of(RECIPE["smile"], -level(), photos(1.0)).gain == 0


def test_motion_cannot_be_judged_on_one_picture() -> None:
    found = reading_of(RECIPE["yaw"], level(), photos(0.4))
    assert (found.gain, found.correlation) == (1.0, None)


def test_the_file_keeps_everything_else(tmp_path) -> None:
    facts = {
        "name": "smile", "meaning": "m", "panel": "Face", "range": [-2, 2], "slots": [0, 3],
        "family": "wavelet", "guards": [], "effects": {}, "source": "made up",
        "level_centre": 0.0,
    }  # fmt: skip
    path = tmp_path / "smile.safetensors"
    save_weights(path, {"direction": level(), "level": level()}, facts)
    refit(path, RECIPE["smile"], photos(0.5))
    preset = read_preset(path)
    assert (preset.level_gain, preset.meaning) == (2.0, "m")
    assert preset.level_centre == pytest.approx(3, abs=1e-4)
    assert preset.evidence == {"level on photos, correlation": 1.0}
    assert torch.equal(preset.direction(), level())
