"""The user's folders: as asked, or where the platform puts such things."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from facemod.files import folders

VARIABLES = {
    folders.models_folder: ("FACEMOD_MODELS_DIR", "user_data_path", "models"),
    folders.presets_folder: ("FACEMOD_PRESETS_DIR", "user_config_path", "presets"),
    folders.fits_folder: ("FACEMOD_CACHE", "user_cache_path", "fits"),
}


@pytest.mark.parametrize("folder", VARIABLES, ids=lambda folder: folder.__name__)
def test_a_variable_names_the_folder(monkeypatch, folder):
    monkeypatch.setenv(VARIABLES[folder][0], "/mine")
    assert folder() == Path("/mine")


@pytest.mark.parametrize("folder", VARIABLES, ids=lambda folder: folder.__name__)
def test_otherwise_the_platform_does(monkeypatch, folder):
    variable, kind, name = VARIABLES[folder]
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(folders.platformdirs, kind, lambda app, author: Path("/there") / app)
    assert folder() == Path("/there/facemod") / name


@pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other places")
def test_on_linux_they_are_where_they_always_were(monkeypatch, tmp_path):
    for variable in ("FACEMOD_MODELS_DIR", "FACEMOD_PRESETS_DIR", "FACEMOD_CACHE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folders.models_folder() == tmp_path / ".local/share/facemod/models"
    assert folders.presets_folder() == tmp_path / ".config/facemod/presets"
    assert folders.fits_folder() == tmp_path / ".cache/facemod/fits"
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert folders.models_folder() == Path("/data/facemod/models")
