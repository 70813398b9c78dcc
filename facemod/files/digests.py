"""What files are known by."""

from __future__ import annotations

import hashlib
from pathlib import Path

from facemod.errors import ModelError

_CHUNK = 1 << 20


def digest(data: bytes) -> str:
    """What a file's bytes are known by."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of a file; ModelError if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    return digest.hexdigest()
