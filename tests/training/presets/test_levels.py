"""Levels that are read off codes, against what people say of the photos."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from facemod.latent.learning import Space
from facemod.latent.presets import read_preset
from facemod.training.judges.readings import Labelled
from facemod.training.presets import levels
from facemod.training.presets.levels import Photos, ends_of, kept, refit, said_of, taught
from facemod.weights.files import save_weights

SLOTS, DIM, MANY = 16, 8, 400
NATURAL = torch.randn(2000, 1, DIM, generator=torch.Generator().manual_seed(1))
SPACE = Space.of(NATURAL, levels.RANGES)


def photos(shrunk: float = 1.0, noise: float = 0.3) -> Photos:
    """Codes whose first number is the smile, shrunk towards 3 by an unsure encoder."""
    draw = torch.Generator().manual_seed(2)
    smile = torch.randint(2, (MANY,), generator=draw).float()
    styles = torch.randn(MANY, 1, DIM, generator=draw).repeat(1, SLOTS, 1)
    styles[..., 0] = 3 + (shrunk * smile + noise * torch.randn(MANY, generator=draw))[:, None]
    return Photos(styles, {"Smiling": smile, "Age": torch.full((MANY,), torch.nan)})


def along(axis: int, length: float = 1.0) -> torch.Tensor:
    direction = torch.zeros(SLOTS, DIM)
    direction[:9, axis] = length
    return direction


@pytest.mark.parametrize("shrunk", [1.0, 0.6])
def test_photos_with_and_without_are_a_strength_apart(shrunk: float) -> None:
    them = photos(shrunk)
    level = taught(SPACE, them, "Smiling", 1.0)
    read, smile = level(them.styles), them.labels["Smiling"]
    assert float(read[smile == 1].mean() - read[smile == 0].mean()) == pytest.approx(1, abs=0.1)
    assert float(read.mean()) == pytest.approx(0, abs=1e-4)
    assert level.correlation > 0.7


def test_a_level_ends_where_people_say_no_and_yes() -> None:
    them = photos()
    level = taught(SPACE, them, "Smiling", 1.0)
    read, smile = level(them.styles), them.labels["Smiling"]
    here = (float(read[smile == 0].mean()), float(read[smile == 1].mean()))
    assert level.ends == pytest.approx(here, abs=0.1)
    low, high = taught(SPACE, them, "Smiling", -0.5).ends
    assert high - low == pytest.approx(2)  # half of it is a strength, the other way round


def test_numbers_have_no_ends() -> None:
    assert ends_of(torch.tensor([20.0, 31.0, 54.0])) is None


def test_what_codes_do_not_tell_has_no_level() -> None:
    assert taught(SPACE, photos(noise=30.0), "Smiling", 1.0) is None


def test_a_level_that_nobody_tells_is_kept_if_photos_differ_by_it() -> None:
    them = photos()
    measure = along(1, 1 / 9)
    level = kept(measure, them)
    assert float(level(them.styles).mean()) == pytest.approx(0, abs=1e-4)
    assert kept(0.1 * measure, them) is None


def test_sets_follow_each_other_and_say_different_things() -> None:
    faces = torch.zeros(2, 3, 4, 4)
    sets = [Labelled(faces, torch.tensor([[1.0], [0.0]]), ("Smiling",)),
            Labelled(faces, torch.tensor([[30.0], [50.0]]), ("Age",))]  # fmt: skip
    said = said_of(sets)
    assert said["Smiling"][:2].tolist() == [1, 0]
    assert said["Age"][2:].tolist() == [30, 50]
    assert said["Smiling"][2:].isnan().all()
    assert said["Age"][:2].isnan().all()


def preset(folder: Path, name: str) -> Path:
    facts = {
        "name": name, "meaning": "m", "panel": "Face", "range": [-2, 2], "slots": [0, 8],
        "family": "wavelet", "guards": [], "effects": {}, "source": "made up",
        "level_centre": 5.0, "level_ends": [0, 1], "evidence": {"seen": 1.0},
    }  # fmt: skip
    path = folder / f"{name}.safetensors"
    save_weights(path, {"direction": along(0), "level": along(4, 1e-3)}, facts)
    return path


def test_the_file_keeps_everything_else(tmp_path: Path) -> None:
    path = preset(tmp_path, "smile")
    level = refit(path, SPACE, photos())
    found = read_preset(path)
    assert found.meaning == "m"
    assert found.level_centre == pytest.approx(level.centre)
    assert found.level_ends == pytest.approx(level.ends)
    assert found.evidence == {"seen": 1.0, levels.CORRELATION: round(level.correlation, 2)}
    assert torch.equal(found.direction(), along(0))
    assert torch.allclose(found.level(), level.measure, atol=1e-3)


def test_only_some_presets_know_their_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(levels.LABELS, "bangs", ("Smiling", 1.0))
    assert refit(preset(tmp_path, "bangs"), SPACE, photos()).ends is not None
    assert read_preset(tmp_path / "bangs.safetensors").level_ends is None


def test_a_level_of_no_use_leaves_the_file(tmp_path: Path) -> None:
    path = preset(tmp_path, "anger")
    assert refit(path, SPACE, photos()) is None
    found = read_preset(path)
    assert (found.level_centre, found.evidence) == (None, {"seen": 1.0})
    assert found.level_ends is None
