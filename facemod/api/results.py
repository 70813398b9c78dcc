"""What functions return: pictures and films."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.editing.corridor import EditedFace
from facemod.editing.editor import EncodedFace
from facemod.editing.morph import morph_frames
from facemod.editing.treatments import Treatment
from facemod.fidelity.ladder import Fidelity
from facemod.files.atomic import write_bytes
from facemod.imaging.marking import Mark
from facemod.imaging.photo import Photo
from facemod.imaging.video import write_video
from facemod.jobs.outcome import FaceOutcome
from facemod.latent.interpolate import Step

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Picture:
    """A result: its pixels, what was found and measured on each face, and a file's worth of it."""

    pixels: Pixels
    """uint8 [H, W, 3] in sRGB."""
    faces: tuple[FaceOutcome, ...]
    """For each face its ``index``, ``box``, ``landmarks`` and ``scores``, left to right."""
    notes: tuple[str, ...]
    """What people should know."""
    _photo: Photo = field(repr=False)
    _edited: tuple[EditedFace, ...] = field(repr=False)
    _treatment: Treatment = field(repr=False)

    @property
    def image(self) -> Image.Image:
        """The picture as a Pillow image."""
        return Image.fromarray(self.pixels)

    def encoded(self, suffix: str) -> bytes:
        """The bytes of a file of it that ends in ``suffix``, such as ``.jpg``."""
        return self._file(Path(f"picture{suffix}"))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it, complete or not at all.

        Raises:
            OutputError: the file cannot be written, or is of an unknown kind.
            OutputExistsError: there is such a file, and ``overwrite`` is not set.
        """
        write_bytes(self._file(Path(path)), path, overwrite=overwrite)
        return Path(path)

    def _file(self, path: Path) -> bytes:
        (data, *_), _ = self._treatment.files(self._photo, self._edited, [path, path])
        return data


@dataclass(frozen=True, eq=False)
class Film:
    """A morph: its frames are drawn as they are asked for."""

    fps: float
    faces: tuple[FaceOutcome, ...]
    """The face of each photo."""
    _encoded: Sequence[EncodedFace] = field(repr=False)
    _steps: Sequence[Step] = field(repr=False)
    _size: int = field(repr=False)
    _rung: Fidelity = field(repr=False)
    _mark: Mark | None = field(repr=False)

    def __len__(self) -> int:
        return len(self._steps)

    def frames(self) -> Iterator[Pixels]:
        """The frames, uint8 [size, size, 3] in sRGB."""
        model = self._encoded[0].model
        return morph_frames(model, self._encoded, self._steps, self._size, self._rung)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write it as .mp4, .gif or .webp. Raises as :meth:`Picture.save` does."""
        write_video(self.frames(), path, self.fps, mark=self._mark, overwrite=overwrite)
        return Path(path)
