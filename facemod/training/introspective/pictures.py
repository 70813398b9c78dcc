"""Any pictures as training data: squares of one size, in one file that need not fit in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from facemod.errors import InputError
from facemod.imaging.atomic import atomic_path
from facemod.training.data import PackedFaces, photos_in

Pixels = NDArray[np.uint8]


class Pictures:
    """Squares uint8 [N, S, S, 3] in a file; :meth:`batch` draws random, mirrored ones."""

    def __init__(self, path: Path, size: int) -> None:
        self.pixels = np.memmap(path, np.uint8, "r").reshape(-1, size, size, 3)

    def __len__(self) -> int:
        return len(self.pixels)

    def batch(self, count: int, size: int, rng: np.random.Generator) -> Tensor:
        """Pictures [count, 3, size, size] in [-1, 1]; ``size`` divides the stored one."""
        chosen = np.sort(rng.integers(0, len(self), count))
        mirrored = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None]
        pictures = self.shrunk(chosen, size)
        return torch.where(mirrored, pictures.flip(3), pictures)

    def shrunk(self, chosen: NDArray[np.int64], size: int) -> Tensor:
        """The chosen pictures [N, 3, size, size] in [-1, 1], area-averaged."""
        pictures = torch.from_numpy(self.pixels[chosen]).permute(0, 3, 1, 2).float()
        factor = pictures.shape[-1] // size
        return torch.nn.functional.avg_pool2d(pictures, factor) / 127.5 - 1


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
