"""The words that functions take: how results look, and what does the work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, TypedDict

import numpy as np

from facemod.editing.editor import Editor, open_editor
from facemod.editing.looks import Look
from facemod.imaging.given import PhotoLike, photo_of
from facemod.imaging.limits import MAX_MEGAPIXELS
from facemod.imaging.photo import Photo
from facemod.tensors.devices import find_devices


class Words(TypedDict, total=False):
    """How results look, as the options of the same names say it on the command line."""

    faces: str
    """``all``, ``largest``, or numbers from left to right such as ``1,3``."""
    fidelity: str
    """``encode``, ``transfer``, ``refine``, ``adapt`` or ``auto``."""
    size: str | int
    """Side of the face square that the model draws, or ``auto``."""
    only: str
    """Regions that alone may change, with commas."""
    protect: str
    """Regions that stay as they are."""
    mask: PhotoLike
    """White where the edit may show; of the photo's size."""
    min_likeness: float | None
    """Raise UnlikeError when a face looks less like itself than this."""
    crop: bool
    """The aligned face instead of the photo."""
    compare: bool
    """Before beside after."""


@dataclass(frozen=True)
class Machine:
    """What does the work, as on the command line."""

    model: str = field(default_factory=lambda: os.environ.get("FACEMOD_MODEL", "bundled"))
    aligner: str = field(default_factory=lambda: os.environ.get("FACEMOD_ALIGNER", "auto"))
    device: str = field(default_factory=lambda: os.environ.get("FACEMOD_DEVICE", "auto"))
    noise: int | None = None
    mark: bool = True
    """Whether saved files say in their metadata that they were edited with AI."""
    max_megapixels: float = MAX_MEGAPIXELS

    def editor(self, side: float | None) -> Editor:
        """An editor; one that was opened before is used again."""
        device = find_devices(self.device)[0]
        return replace(_opened(device, self.model, self.aligner, self.noise), size=side)

    def photo(self, given: PhotoLike) -> Photo:
        """A photo, whatever it was given as."""
        return photo_of(given, max_megapixels=self.max_megapixels)


@lru_cache(maxsize=2)
def _opened(device: str, model: str, aligner: str, noise: int | None) -> Editor:
    return open_editor(device, model=model, aligner=aligner, noise=noise)


def forget_models() -> None:
    """Let go of the models that the functions here keep for their next call."""
    _opened.cache_clear()


def sort_out(words: Mapping[str, Any]) -> tuple[Look, Machine, dict[str, Any]]:
    """The look and the machine that keywords ask for, and the keywords that are neither."""
    rest = dict(words)
    machine = Machine(**{f: rest.pop(f) for f in Machine.__dataclass_fields__ if f in rest})
    said = {name: rest.pop(name) for name in Words.__annotations__ if name in rest}
    if "size" in said:
        said["size"] = str(said["size"])
    if "mask" in said and said["mask"] is not None:
        said["mask"] = np.asarray(machine.photo(said["mask"]).rgb)
    return Look.of(**said, max_megapixels=machine.max_megapixels), machine, rest
