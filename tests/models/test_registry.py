"""Families: what their records say is what their models do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tiny

import facemod.models
from facemod.errors import UsageError
from facemod.latent.codes import Scale
from facemod.models import windows
from facemod.models.base import FittingModel, WindowModel
from facemod.models.family import FIT, MIX, NOISE, PAINT
from facemod.models.registry import BUNDLED, FAMILIES, FORMATS, load_model
from facemod.models.wavelet import FAMILY as bundled_family
from facemod.models.wavelet.details import RESOLUTION


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, tmp_path: Path):
    name = request.param if request.param in FORMATS else BUNDLED
    return load_model(BUNDLED if name == BUNDLED else str(tiny.write_tiny(tmp_path, name)))


def can_mix(model) -> bool:
    try:
        return bool(model.sample(1, seed=0).slots(Scale.MID))
    except UsageError:
        return False


def test_a_family_supports_what_its_record_says(model):
    found = {
        FIT: isinstance(model, FittingModel),
        PAINT: isinstance(model, WindowModel),
        NOISE: hasattr(model, "noise_seed"),
        MIX: can_mix(model),
    }
    supported = FAMILIES[model.info.family].supports
    assert {what for what, can in found.items() if can} == supported


def test_the_bundled_record_tells_the_bundled_model(model):
    if model.info.name == BUNDLED:
        assert model.info.family == bundled_family.name
        assert model.info.resolution == bundled_family.resolution
        assert windows.FEATURES_SIDE == RESOLUTION


def test_every_folder_with_networks_has_its_record_in_the_registry():
    folder = Path(facemod.models.__file__).parent
    records = {
        path.parent.name for path in folder.glob("*/__init__.py") if "FAMILY" in path.read_text()
    }
    assert records == {name.replace("-", "_") for name in FAMILIES}


def test_the_bundled_record_is_there_without_torch():
    probe = "import sys; from facemod.models.wavelet import FAMILY; print('torch' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"
