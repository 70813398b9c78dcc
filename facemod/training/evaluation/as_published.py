"""Models measured as the authors of PIONEER and the automodulator measure theirs.

Sources: their evaluate.py, data.py and session.py (github.com/AaltoVision/automodulator), and
what these call: pytorch-fid's preprocessing and LPIPS. Pictures are aligned already, resized with
bilinear filtering, and go through 8-bit files; the decoder adds noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from facemod.errors import InputError, ModelError, UsageError
from facemod.latent.codes import Codes
from facemod.models.base import FaceModel
from facemod.tensors.pixels import to_tensor
from facemod.training.evaluation.generation import (
    Distance,
    Features,
    PathLength,
    frechet,
    random_pictures,
    scripted,
)

PICTURES = 50_000
LARGE, SMALL = 512, 256
"""Pictures are cut to squares of 512 px for models of 512 px, and of 256 px for others."""
BATCH = 8
Pixels = NDArray[np.uint8]


def published_square(pixels: Pixels, resolution: int) -> Pixels:
    """A picture [H, W, 3] as the published loaders see it: bilinear, cut out of the middle."""
    side = LARGE if resolution == LARGE else SMALL
    image = Image.fromarray(pixels)
    shorter = min(image.size)
    width, height = (int(side * length / shorter) for length in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - side) / 2), round((height - side) / 2)
    image = image.crop((left, top, left + side, top + side))
    return np.asarray(image.resize((resolution, resolution), Image.Resampling.BILINEAR))


def stored(images: Tensor) -> Tensor:
    """Images in [-1, 1] as an 8-bit file gives them back."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def face_part(images: Tensor) -> Tensor:
    """What LPIPS looks at: rows 3/8 to 7/8 and columns 2/8 to 6/8 of [N, 3, R, R]."""
    eighth = images.shape[-1] // 8
    return images[..., 3 * eighth : 7 * eighth, 2 * eighth : 6 * eighth]


def perceptual_network(path: Path, device: str = "cpu") -> Distance:
    """A TorchScript module of two batches of pictures in [-1, 1], such as LPIPS, float64.

    Raises:
        ModelError: the file is missing or no TorchScript module.
    """
    network = scripted("--perceptual", path, device)

    @torch.no_grad()
    def distance(a: Tensor, b: Tensor) -> Tensor:
        try:
            return network(a.to(device), b.to(device)).flatten().double().cpu()
        except RuntimeError as error:
            problem = str(error).strip().splitlines()[-1]
            raise ModelError(f"--perceptual {path}: cannot compare these ({problem})") from error

    return distance


class Noisy:
    """A model whose decoder adds noise where it has any: new for every draw of codes.

    What is decoded several times before the next draw sees the same noise. With ``rounded``,
    pictures are what 8-bit files give back.
    """

    def __init__(self, model: FaceModel, *, rounded: bool) -> None:
        self.model, self.info, self.device = model, model.info, model.device
        self.rounded, self._draws = rounded, 0

    def encode(self, images: Tensor) -> Codes:
        self._draws += 1
        return self.model.encode(images)

    def sample(self, count: int, *, seed: int, truncation: float = 1.0) -> Codes:
        self._draws += 1
        return self.model.sample(count, seed=seed, truncation=truncation)

    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        if hasattr(self.model, "noise_seed"):
            self.model.noise_seed = self._draws
        images = self.model.decode(codes, size).float().cpu()
        return stored(images) if self.rounded else images


@dataclass
class Published:
    """What was found: rows of numbers by measure, and what was left out."""

    rows: dict[str, dict[str, float]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def measure(
    model: FaceModel,
    photos: Iterable[tuple[str, Pixels | None]],
    samples: int,
    *,
    features: Features | None = None,
    distance: Distance | None = None,
) -> Published:
    """FID by ``features``, LPIPS and PPL by ``distance``, of at most ``samples`` pictures each.

    Raises:
        UsageError: neither network is given, or FID has fewer than two photos.
        InputError: no photo can be read.
    """
    if features is None and distance is None:
        raise UsageError("--as-published measures by networks: give --features or --perceptual")
    found, noisy = Published(), Noisy(model, rounded=True)
    seen: list[Tensor] = []
    distances: list[Tensor] = []
    for batch in batches(photos, model.info.resolution, samples, found.problems):
        if features:
            seen.append(features(batch))
        if distance:
            rebuilt = noisy.decode(noisy.encode(batch))
            distances.append(distance(face_part(batch), face_part(rebuilt)))
    if not (seen or distances):
        raise InputError("none of the photos can be read")
    if features:
        found.rows["FID"] = fid(noisy, torch.cat(seen), samples, features)
    if distance:
        known = torch.cat(distances)
        found.rows["LPIPS"] = {"value": float(known.mean()), "pictures": float(len(known))}
        # not rounded: at this step rounding would be most of what is measured
        paths = PathLength(distance, samples).measure(Noisy(model, rounded=False), [])["all"]
        found.rows["PPL"] = {"value": paths["mean"], "pictures": float(samples)}
    return found


def fid(model: FaceModel, photos: Tensor, samples: int, features: Features) -> dict[str, float]:
    """The Frechet distance of random pictures from the features of photos [N, D]."""
    if len(photos) < 2:
        raise UsageError("--features compares distributions: give it more than one photo")
    drawn = torch.cat([features(x) for x in random_pictures(model, samples, 0)])
    return {"value": frechet(photos, drawn), "pictures": float(min(len(photos), len(drawn)))}


def batches(
    photos: Iterable[tuple[str, Pixels | None]], resolution: int, limit: int, problems: list[str]
) -> Iterator[Tensor]:
    """Photos as batches [N, 3, R, R] in [-1, 1]; those that cannot be read become problems."""
    waiting: list[Pixels] = []
    for name, pixels in islice(photos, limit):
        if pixels is None:
            problems.append(f"{name}: unreadable")
            continue
        waiting.append(published_square(pixels, resolution))
        if len(waiting) == BATCH:
            yield to_tensor(waiting)
            waiting = []
    if waiting:
        yield to_tensor(waiting)
