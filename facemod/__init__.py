"""facemod: edit, mix and morph faces in real photos with a bundled automodulator."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Resolved on first use: importing facemod must stay cheap, and these need torch.
_EXPORTS = {
    "edit": "facemod.api.calls",
    "mix": "facemod.api.calls",
    "morph": "facemod.api.calls",
    "reconstruct": "facemod.api.calls",
    "forget_models": "facemod.api.words",
    "Film": "facemod.api.results",
    "Picture": "facemod.api.results",
    "Editor": "facemod.editing.editor",
    "Fidelity": "facemod.editing.editor",
    "open_editor": "facemod.editing.editor",
    "redraw": "facemod.editing.corridor",
    "put_back": "facemod.editing.corridor",
    "Mark": "facemod.imaging.marking",
    "load_model": "facemod.models.registry",
    "make_detector": "facemod.faces.detect",
    "open_photo": "facemod.imaging.reading",
    "write_photo": "facemod.imaging.writing",
}
__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'facemod' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)
