"""How good random pictures are, by a feature network that the user brings.

Distances between distributions of features are only comparable when made with the same network,
the same pictures and as many of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.errors import ModelError, UsageError
from facemod.latent.interpolate import between
from facemod.models.base import FaceModel
from facemod.training.evaluation.metrics import Reconstructed

BATCH = 4
STEP = 1e-4
OUTLIERS = 0.01  # share of paths that are left out at either end
Features = Callable[[Tensor], Tensor]
# Two batches of pictures [N, 3, R, R] in [-1, 1] -> how different they are [N].
Distance = Callable[[Tensor, Tensor], Tensor]


def scripted(flag: str, path: Path, device: str) -> torch.jit.ScriptModule:
    """The TorchScript network of a file that ``flag`` names.

    Raises:
        ModelError: the file is missing or no TorchScript module.
    """
    try:
        return torch.jit.load(str(path), map_location=device).eval()
    except (OSError, RuntimeError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise ModelError(f"{flag} {path}: not a TorchScript network ({problem})") from error


def feature_network(
    path: Path, size: int, device: str = "cpu", *, antialias: bool = True
) -> Features:
    """Pictures [N, 3, R, R] in [-1, 1] -> float64 features [N, D], by a TorchScript file.

    The file's module gets pictures of ``size`` px in [-1, 1]; what it returns is flattened.
    Without ``antialias`` larger pictures are sampled, as the usual code of FID does.

    Raises:
        ModelError: the file is missing or no TorchScript module.
    """
    network = scripted("--features", path, device)

    @torch.no_grad()
    def features(pictures: Tensor) -> Tensor:
        small = F.interpolate(
            pictures.to(device), (size, size), mode="bilinear", antialias=antialias
        )
        try:
            return network(small).flatten(1).double().cpu()
        except RuntimeError as error:
            problem = str(error).strip().splitlines()[-1]
            raise ModelError(f"--features {path}: cannot take {size} px ({problem})") from error

    return features


def squared(features: Features) -> Distance:
    """The squared distance of two pictures' features."""
    return lambda a, b: (features(a) - features(b)).square().sum(1)


def frechet(a: Tensor, b: Tensor) -> float:
    """The Frechet distance of two normal distributions fitted to features [N, D], float64.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Heusel et al. 2017).
    """
    offset = (a.mean(0) - b.mean(0)).square().sum()
    first, second = (x.T.cov() for x in (a, b))
    values, vectors = torch.linalg.eigh(first)
    root = vectors * values.clamp_min(0).sqrt() @ vectors.T
    common = torch.linalg.eigvalsh(root @ second @ root).clamp_min(0).sqrt().sum()
    return float(offset + first.trace() + second.trace() - 2 * common)


class FeatureDistance:
    """How far random pictures, and reconstructions, are from the photos."""

    name = "pictures"

    def __init__(self, features: Features, samples: int, seed: int = 0) -> None:
        self.features, self.samples, self.seed = features, samples, seed
        self.photos: list[Tensor] = []
        self.reconstructions: list[Tensor] = []

    def see(self, face: Reconstructed) -> None:
        """Take note of one photo and its reconstruction."""
        self.photos.append(self.features(face.original))
        self.reconstructions.append(self.features(face.image))

    def measure(
        self, model: FaceModel, faces: Sequence[Reconstructed]
    ) -> Mapping[str, Mapping[str, float]]:
        """The distance of each kind of picture from the photos that were seen.

        Raises:
            UsageError: fewer than two photos were seen.
        """
        if len(self.photos) < 2:
            raise UsageError("--features compares distributions: give it more than one photo")
        photos, reconstructed = torch.cat(self.photos), torch.cat(self.reconstructions)
        drawn = torch.cat(
            [self.features(x) for x in random_pictures(model, self.samples, self.seed)]
        )
        kinds = {"random": drawn, "reconstructed": reconstructed}
        return {
            kind: {"feature distance": frechet(photos, x), "number": float(len(x))}
            for kind, x in kinds.items()
        }


class PathLength:
    """How evenly pictures change along paths between random codes (Karras et al. 2019).

    The distance of two pictures that are a ten-thousandth of the path apart, divided by that
    squared; without the lowest and the highest hundredth of the paths. Distances are squared
    ones, as LPIPS is.
    """

    name = "path length"

    def __init__(self, distance: Distance, samples: int, seed: int = 0) -> None:
        self.distance, self.samples, self.seed = distance, samples, seed

    def measure(
        self, model: FaceModel, faces: Sequence[Reconstructed]
    ) -> Mapping[str, Mapping[str, float]]:
        """Mean and median over the paths."""
        generator = torch.Generator().manual_seed(self.seed)
        lengths = []
        for number in range(self.samples):
            codes = model.sample(2, seed=self.seed + number, truncation=1.0)
            place = float(torch.rand((), generator=generator)) * (1 - STEP)
            ends = [between(codes[0], codes[1], t) for t in (place, place + STEP)]
            here, there = (model.decode(end).float() for end in ends)
            lengths.append(self.distance(here, there).sum() / STEP**2)
        ordered = torch.stack(lengths).sort().values
        cut = int(OUTLIERS * len(ordered))
        kept = ordered[cut : len(ordered) - cut]
        return {"all": {"mean": float(kept.mean()), "median": float(kept.median())}}


def random_pictures(model: FaceModel, count: int, seed: int) -> Iterator[Tensor]:
    """``count`` random pictures of the whole range, in batches."""
    for start in range(0, count, BATCH):
        codes = model.sample(min(BATCH, count - start), seed=seed + start, truncation=1.0)
        yield model.decode(codes).float()
