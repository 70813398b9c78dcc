"""Fits that were made before: a bounded folder of small files, so that the next edit is instant.

A fit belongs to the aligned pixels of one face, to one model's weights and to one effort, and is
stored under the digest of these. The least recently used ones go first. Imports torch only to read
and write fits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facemod.errors import ModelError, OutputError
from facemod.files.atomic import atomic_path
from facemod.files.folders import fits_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from facemod.latent.codes import Codes
    from facemod.models.base import Effort

LIMIT = 256_000_000  # bytes
SUFFIX = ".safetensors"
VERSION = "3"  # of how fits are made; another one makes all earlier fits useless


def key_of(pixels: NDArray[np.uint8], fingerprint: str, effort: Effort) -> str:
    """What the fit of an aligned face is known by."""
    state = hashlib.blake2b(f"{VERSION} {fingerprint} {effort.value}".encode(), digest_size=16)
    state.update(np.ascontiguousarray(pixels).data)
    return state.hexdigest()


@dataclass(frozen=True)
class Usage:
    """What the cache holds."""

    folder: str
    fits: int
    bytes: int
    limit: int


@dataclass(frozen=True)
class FitStore:
    """The cache: a folder that keeps below ``limit`` bytes."""

    folder: Path
    limit: int = LIMIT

    def find(self, key: str, codes: Codes) -> Codes | None:
        """The fit of a face whose encoder's codes are ``codes``, if it is there and sound."""
        from facemod.weights.files import load_weights

        path = self._path(key)
        if not path.exists():
            return None
        try:
            tensors, _ = load_weights(path)
            fitted = as_codes(tensors, codes)
        except (ModelError, KeyError, ValueError):
            path.unlink(missing_ok=True)  # damaged; it will be made again
            return None
        with suppress(OSError):
            path.touch()
        return fitted

    def keep(self, key: str, codes: Codes) -> None:
        """Remember a fit. One that cannot be written is only made again next time."""
        from facemod.weights.files import save_weights

        with suppress(OutputError, OSError):
            with atomic_path(self._path(key), overwrite=True) as path:
                save_weights(path, as_tensors(codes), {"kind": "fit"})
            self._make_room()

    def usage(self) -> Usage:
        """How full it is."""
        sizes = [size for _, size, _ in self._files()]
        return Usage(str(self.folder), len(sizes), sum(sizes), self.limit)

    def clear(self) -> Usage:
        """Remove all fits; returns what there was."""
        before = self.usage()
        self._remove(path for _, _, path in self._files())
        return before

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{SUFFIX}"

    def _files(self) -> list[tuple[float, int, Path]]:
        """When each file was last used, its size, its path; the oldest first."""
        found = []
        for path in self.folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):  # another process removed it
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        return sorted(found)

    def _make_room(self) -> None:
        files = self._files()
        over = sum(size for _, size, _ in files) - self.limit
        for _, size, path in files:
            if over <= 0:
                break
            self._remove([path])
            over -= size

    @staticmethod
    def _remove(paths: Iterable[Path]) -> None:
        for path in paths:
            with suppress(OSError):
                path.unlink(missing_ok=True)


def fit_store() -> FitStore:
    """The user's cache."""
    return FitStore(fits_folder())


def as_tensors(codes: Codes) -> dict[str, Tensor]:
    """What has to be stored of the fitted codes of one face."""
    (entry,) = codes.details
    tensors = {"styles": codes.styles, "maps": entry.maps, "yielding": entry.yielding}
    if entry.fitted is not None:
        tensors["fitted"] = entry.fitted
    return {name: tensor.cpu() for name, tensor in tensors.items()}


def as_codes(tensors: dict[str, Tensor], codes: Codes) -> Codes:
    """The fitted codes of one face from what was stored and its encoder's ``codes``."""
    (entry,) = codes.details
    styles = tensors["styles"].to(codes.styles.device)
    if styles.shape != codes.styles.shape or tensors["maps"].shape != entry.maps.shape:
        raise ValueError("the fit belongs to another model")
    learnt = replace(
        entry,
        maps=tensors["maps"],
        styles=styles,
        yielding=tensors["yielding"].to(styles.device),
        fitted=tensors.get("fitted"),
    )
    return replace(codes, styles=styles, details=(learnt,))
