"""Any pictures as training data: squares of one size, in one file that need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from facemod.errors import InputError
from facemod.files.atomic import atomic_path
from facemod.models.sphere.growing import blend
from facemod.training.data import PackedFaces, photos_in

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Gathered:
    """Pictures in a file, and how many could not be read."""

    path: Path
    size: int
    unreadable: int = 0


class Pictures:
    """Squares uint8 [N, S, S, 3] in a file; :meth:`batch` draws some.

    Args:
        path: what :func:`gather` wrote.
        size: S.
        mirror: show about half of the pictures mirrored.
    """

    def __init__(self, path: Path, size: int, *, mirror: bool = True) -> None:
        self.pixels = np.memmap(path, np.uint8, "r").reshape(-1, size, size, 3)
        self.mirror = mirror

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, count: int, size: int, rng: np.random.Generator) -> Tensor:
        """Pictures [count, 3, size, size] in [-1, 1]; ``size`` divides the stored one."""
        chosen = np.sort(rng.integers(0, len(self), count))
        pictures = self.shrunk(chosen, size)
        if not self.mirror:
            return pictures
        mirrored = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None]
        return torch.where(mirrored, pictures.flip(3), pictures)

    def shrunk(self, chosen: NDArray[np.int64], size: int) -> Tensor:
        """The chosen pictures [N, 3, size, size] in [-1, 1], area-averaged."""
        pictures = torch.from_numpy(self.pixels[chosen]).permute(0, 3, 1, 2).float()
        factor = pictures.shape[-1] // size
        return F.avg_pool2d(pictures, factor) / 127.5 - 1


def softened(pictures: Tensor, fade: float) -> Tensor:
    """Pictures [N, 3, R, R] as they are shown while R px fade in: blended with their half size."""
    if fade >= 1:
        return pictures
    half = F.avg_pool2d(pictures, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    return blend(half, pictures, fade)


def gathered(source: Path, folder: Path, size: int) -> Gathered:
    """The pictures of a run, gathered into its folder unless they are there already."""
    path = folder / f"pictures-{size}.bin"
    return Gathered(path, size, 0 if path.exists() else gather(source, path, size)[1])


def gather(source: Path, target: Path, size: int) -> tuple[int, int]:
    """Write the pictures of ``source`` into ``target`` as centre squares of ``size`` px.

    ``source`` is a folder or zip file of pictures, or a packed face set. Returns how many pictures
    there are, and how many were left out because they cannot be read.

    Raises:
        InputError: there is no picture, or ``source`` is none of these.
    """
    counts = [0, 0]
    with atomic_path(target, overwrite=True) as path, path.open("wb") as file:
        for pixels in _pictures_of(source):
            counts[pixels is None] += 1
            if pixels is not None:
                file.write(square(pixels, size).tobytes())
        if not counts[0]:
            raise InputError(f"{source}: no picture to train on")
    return counts[0], counts[1]


def _pictures_of(source: Path) -> Iterator[Pixels | None]:
    if source.suffix == ".npz":
        yield from PackedFaces(source).faces
        return
    for _, pixels in photos_in(source):
        yield pixels


def square(pixels: Pixels, size: int) -> Pixels:
    """The centre square of a picture [H, W, 3], at ``size`` px."""
    fitted = ImageOps.fit(Image.fromarray(pixels), (size, size), Image.Resampling.LANCZOS)
    return np.asarray(fitted)
