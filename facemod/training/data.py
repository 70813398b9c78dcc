"""Real faces for training: aligned by our own aligner, packed into one small file.

A packed set is an uncompressed npz of uint8 arrays: ``faces`` [N, S, S, 3] (FFHQ squares, RGB)
and ``known`` [N, S, S] (255 where the source photo has pixels; the rest is reflected padding, as
in the crops that users' photos give).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from facemod.errors import InputError
from facemod.faces.align import crop_face
from facemod.pipeline import to_pixels, to_tensor

if TYPE_CHECKING:
    from facemod.faces.detect import Detector

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def photos_in(source: Path) -> Iterator[tuple[str, np.ndarray]]:
    """(name, RGB uint8 [H, W, 3]) of every photo in a folder or zip file, sorted by name."""
    if source.is_dir():
        paths = sorted(p for p in source.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES)
        for path in paths:
            yield path.name, np.asarray(Image.open(path).convert("RGB"))
        return
    if not zipfile.is_zipfile(source):
        raise InputError(f"{source}: neither a folder nor a zip file of photos")
    with zipfile.ZipFile(source) as archive:
        for name in sorted(archive.namelist()):
            if name.lower().endswith(PHOTO_SUFFIXES):
                image = Image.open(io.BytesIO(archive.read(name)))
                yield name, np.asarray(image.convert("RGB"))


def pack(
    photos: Iterable[tuple[str, np.ndarray]], detector: Detector, target: Path, *, size: int = 128
) -> int:
    """Align the largest face of each photo, write the packed set, return how many faces it has.

    Photos without a face are left out.
    """
    names, faces, known = [], [], []
    for name, rgb in photos:
        found = detector.detect(rgb)
        if not found:
            continue
        face = max(found, key=lambda f: (f.box[2] - f.box[0]) * (f.box[3] - f.box[1]))
        crop = crop_face(rgb, face, size)
        names.append(name)
        faces.append(crop.pixels)
        known.append(known_region(crop.matrix, rgb.shape[:2], size))
    if not faces:
        raise InputError(f"{target}: no face was found in any of the photos")
    np.savez(target, names=np.array(names), faces=np.stack(faces), known=np.stack(known))
    return len(faces)


def known_region(matrix: np.ndarray, shape: tuple[int, int], size: int) -> np.ndarray:
    """uint8 [size, size]: 255 where a crop pixel lies inside a photo of ``shape`` (H, W)."""
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    x, y = (
        np.einsum("ij,jhw->ihw", matrix[:, :2], np.stack([columns, rows]))
        + matrix[:, 2, None, None]
    )
    height, width = shape
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    return inside.astype(np.uint8) * 255


class PackedFaces:
    """A packed set in memory; :meth:`batch` draws random, randomly mirrored faces."""

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as file:
                self.faces, self.known = file["faces"], file["known"]
        except (OSError, KeyError, ValueError) as error:
            raise InputError(f"{path}: not a packed face set ({error})") from error

    def __len__(self) -> int:
        return len(self.faces)

    def batch(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Faces [count, 3, S, S] in [-1, 1] and their known region [count, 1, S, S] in 0..1."""
        chosen = rng.integers(0, len(self), count)
        faces = to_tensor(self.faces[chosen])
        known = torch.from_numpy(self.known[chosen])[:, None].float() / 255
        mirrored = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None]
        return (
            torch.where(mirrored, faces.flip(3), faces),
            torch.where(mirrored, known.flip(3), known),
        )


def degrade(faces: Tensor, rng: np.random.Generator) -> Tensor:
    """What happens to photos on their way to us: resizing, blur, noise, JPEG; in [-1, 1].

    Each face [3, S, S] of the batch suffers its own random mixture; some stay untouched.
    """
    return torch.stack([_degrade_one(face, rng) for face in faces])


def _degrade_one(face: Tensor, rng: np.random.Generator) -> Tensor:
    size = face.shape[-1]
    if rng.random() < 0.5:
        small = int(size * rng.uniform(0.3, 1.0))
        mode = ("area", "bilinear", "bicubic")[rng.integers(3)]
        reduced = F.interpolate(face[None], (small, small), mode=mode)
        face = F.interpolate(reduced, (size, size), mode="bicubic")[0]
    if rng.random() < 0.3:
        face = face + torch.from_numpy(rng.normal(0, rng.uniform(0, 0.08), face.shape)).float()
    face = face.clamp(-1, 1)
    return _jpeg(face, int(rng.integers(30, 95))) if rng.random() < 0.3 else face


def _jpeg(face: Tensor, quality: int) -> Tensor:
    buffer = io.BytesIO()
    Image.fromarray(to_pixels(face[None])[0]).save(buffer, "JPEG", quality=quality)
    return to_tensor([np.asarray(Image.open(buffer))])[0]
