"""Real faces for training: aligned by our own aligner, packed into one small file.

A packed set is an npz of ``names`` [N], the FFHQ squares, and ``known`` uint8 [N, S, S]: 255 where
the source photo has pixels; the rest is reflected padding, as in the crops that users' photos
give. The squares are ``faces`` uint8 [N, S, S, 3] as they are, or one WebP picture after the other
in ``pictures`` uint8 [bytes], of which number i ends before byte ``ends[i]``.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from facemod.errors import FacemodError, InputError
from facemod.faces.align import crop_face
from facemod.files.atomic import atomic_path
from facemod.imaging.reading import open_photo
from facemod.tensors.pixels import to_pixels, to_tensor

if TYPE_CHECKING:
    from facemod.faces.face import Detector

Pixels = NDArray[np.uint8]
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
MODES = ("area", "bilinear", "bicubic")
JPEG_QUALITIES = (30, 95)
_threads = ThreadPoolExecutor(min(8, os.cpu_count() or 1))


def photos_in(source: Path, *, limit: int | None = None) -> Iterator[tuple[str, Pixels | None]]:
    """(name, upright RGB uint8 [H, W, 3]) of the photos in a folder or zip file, by name.

    They are read as every photo is. None stands for the pixels of one that cannot be. ``limit``
    takes so many, evenly spaced over all.

    Raises:
        InputError: ``source`` is neither a folder nor a zip file.
    """
    files = _files_in(source)
    if limit is not None and limit < len(files):
        files = [files[i] for i in np.linspace(0, len(files) - 1, limit).round().astype(int)]
    for name, read in files:
        try:
            yield name, open_photo(name, data=read()).rgb
        except (OSError, FacemodError):
            yield name, None


def _files_in(source: Path) -> list[tuple[str, Callable[[], bytes]]]:
    """Names and ways to read the photos, sorted."""
    if source.is_dir():
        paths = (p for p in source.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES)
        return [(path.name, path.read_bytes) for path in sorted(paths)]
    if not zipfile.is_zipfile(source):
        raise InputError(f"{source}: neither a folder nor a zip file of photos")
    archive = zipfile.ZipFile(source)
    names = (n for n in archive.namelist() if n.lower().endswith(PHOTO_SUFFIXES))
    return [(name, partial(archive.read, name)) for name in sorted(names)]


def pack(
    photos: Iterable[tuple[str, Pixels | None]],
    detector: Detector,
    target: Path,
    *,
    size: int = 128,
    quality: int | None = None,
) -> dict[str, int]:
    """Align the largest face of each photo and write the packed set.

    Photos without a face are left out, those that cannot be read as well. ``quality`` is that of
    WebP, 1 to 100; None keeps the pixels as they are. Returns how many photos had a face, had
    none, and were unreadable.

    Raises:
        InputError: no face was found in any photo.
    """
    counts = {"faces": 0, "no-face": 0, "unreadable": 0}
    names, faces, known = [], [], []
    for name, rgb in photos:
        found = [] if rgb is None else detector.detect(rgb)
        counts["unreadable" if rgb is None else "faces" if found else "no-face"] += 1
        if rgb is None or not found:
            continue
        face = max(found, key=lambda f: (f.box[2] - f.box[0]) * (f.box[3] - f.box[1]))
        crop = crop_face(rgb, face, size)
        names.append(name)
        faces.append(crop.pixels if quality is None else _webp(crop.pixels, quality))
        known.append(known_region(crop.matrix, rgb.shape[:2], size))
    if not faces:
        raise InputError(f"{target}: no face was found in any of the photos")
    with atomic_path(target, overwrite=True) as path, path.open("wb") as file:
        arrays: dict[str, Any] = {"names": np.array(names), "known": np.stack(known)}
        np.savez_compressed(file, **(arrays | _as_arrays(faces)))
    return counts


def _webp(face: Pixels, quality: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()


def _as_arrays(faces: list[Any]) -> dict[str, NDArray[Any]]:
    if isinstance(faces[0], np.ndarray):
        return {"faces": np.stack(faces)}
    ends = np.cumsum([len(face) for face in faces])
    return {"pictures": np.frombuffer(b"".join(faces), np.uint8), "ends": ends}


def read_packed(path: Path) -> tuple[list[str], Pixels, Pixels]:
    """Names, faces [N, S, S, 3] and known regions [N, S, S] of a packed set.

    Raises:
        InputError: there is no such file, or it is none.
    """
    try:
        with np.load(path) as file:
            faces = file["faces"] if "faces" in file else _unpacked(file["pictures"], file["ends"])
            return file["names"].tolist(), faces, file["known"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not a packed face set ({error})") from error


def spread_faces(packed: Path, count: int, first: int = 0) -> Tensor:
    """Faces [count, 3, S, S] in [-1, 1] of a packed set, evenly spread from number ``first`` on.

    Raises:
        InputError: there is no such file, or it is none.
    """
    _, faces, _ = read_packed(packed)
    step = max(1, len(faces) // count)
    return to_tensor(list(faces[first % step :: step][:count]))


def _unpacked(pictures: Pixels, ends: NDArray[np.int64]) -> Pixels:
    def decoded(start: int, end: int) -> Pixels:
        return np.asarray(Image.open(io.BytesIO(pictures[start:end].tobytes())).convert("RGB"))

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(decoded, [0, *ends[:-1]], ends)))


def known_region(matrix: np.ndarray, shape: tuple[int, int], size: int) -> Pixels:
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
        self.names, self.faces, self.known = read_packed(path)

    def __len__(self) -> int:
        return len(self.faces)

    def batch(
        self, count: int, rng: np.random.Generator, device: torch.device | str = "cpu"
    ) -> tuple[Tensor, Tensor]:
        """Faces [count, 3, S, S] in [-1, 1] and their known region [count, 1, S, S] in 0..1."""
        chosen = rng.integers(0, len(self), count)
        mirrored = torch.from_numpy(rng.random(count) < 0.5)[:, None, None, None].to(device)
        faces = torch.from_numpy(self.faces[chosen]).to(device).permute(0, 3, 1, 2).float()
        faces = faces.div_(127.5).sub_(1)
        known = torch.from_numpy(self.known[chosen]).to(device)[:, None].float() / 255
        return (
            torch.where(mirrored, faces.flip(3), faces),
            torch.where(mirrored, known.flip(3), known),
        )


def degrade(faces: Tensor, rng: np.random.Generator) -> Tensor:
    """What happens to photos on their way to us: resizing, blur, noise, JPEG; in [-1, 1].

    Each face [3, S, S] of the batch suffers its own random mixture; some stay untouched.
    """
    faces = torch.stack([_resized(face, rng) for face in faces])
    strength = rng.uniform(0, 0.08, len(faces)) * (rng.random(len(faces)) < 0.3)
    generator = torch.Generator(faces.device).manual_seed(int(rng.integers(2**62)))
    noise = torch.randn(faces.shape, generator=generator, device=faces.device)
    faces = faces + torch.from_numpy(strength).to(faces)[:, None, None, None] * noise
    faces = faces.clamp(-1, 1)
    squeezed = np.flatnonzero(rng.random(len(faces)) < 0.3)
    if len(squeezed):
        qualities = rng.integers(*JPEG_QUALITIES, len(squeezed))
        pixels = _threads.map(_jpeg, to_pixels(faces[squeezed]), qualities.tolist())
        faces[squeezed] = to_tensor(list(pixels)).to(faces)
    return faces


def _resized(face: Tensor, rng: np.random.Generator) -> Tensor:
    if rng.random() < 0.5:
        return face
    size = face.shape[-1]
    small = int(size * rng.uniform(0.3, 1.0))
    reduced = F.interpolate(face[None], (small, small), mode=MODES[rng.integers(len(MODES))])
    return F.interpolate(reduced, (size, size), mode="bicubic")[0]


def _jpeg(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))
