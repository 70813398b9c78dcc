"""Where facemod keeps what is the user's: each folder by its variable, or where the platform says.

None of them need exist yet.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

APP = "facemod"
PRESETS_VARIABLE = "FACEMOD_PRESETS_DIR"
MODELS_VARIABLE = "FACEMOD_MODELS_DIR"
FITS_VARIABLE = "FACEMOD_CACHE"


def presets_folder() -> Path:
    """Presets that people make themselves: ``$FACEMOD_PRESETS_DIR``, or settings (~/.config)."""
    return _chosen(PRESETS_VARIABLE, platformdirs.user_config_path(APP, False) / "presets")


def models_folder() -> Path:
    """The user's models: ``$FACEMOD_MODELS_DIR``, or data (~/.local/share)."""
    return _chosen(MODELS_VARIABLE, platformdirs.user_data_path(APP, False) / "models")


def fits_folder() -> Path:
    """What was learnt of photos: ``$FACEMOD_CACHE``, or the cache (~/.cache)."""
    return _chosen(FITS_VARIABLE, platformdirs.user_cache_path(APP, False) / "fits")


def _chosen(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default)
