"""Telling whether two runs use the same weights, without loading them. Imports no torch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from facemod.models.store import stored_models

FOLDER = Path(__file__).parent


def fingerprint(name: str) -> str:
    """A digest of the model that ``--model`` names: of its file, or of all that is bundled."""
    stored = stored_models()
    named = stored[name].path if name in stored else Path(name)
    files = [named] if named.is_file() else sorted(FOLDER.rglob("*.safetensors"))
    state = hashlib.blake2b(name.encode(errors="surrogateescape"), digest_size=16)
    for file in files:
        state.update(file.read_bytes())
    return state.hexdigest()
