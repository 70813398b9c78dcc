"""Age, sex and attributes, read off faces by ridge regression on features of an identity network.

The network (MobileFaceNet, :mod:`facemod.models.wavelet.identity`) learnt to tell people apart and
has seen none of the labels, and a linear map cannot be argued with: what it reads is another kind
of evidence than that of networks that were taught the attributes themselves.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.errors import InputError
from facemod.models.wavelet.identity import Identity, sphereface_crop
from facemod.tensors.pixels import to_tensor
from facemod.training.data import read_packed
from facemod.training.judges.attributes import AGE, MALE

LabelOf = Callable[[str], list[float] | None]
UTK_NAMES = (AGE, MALE)
LEAST_AGREEMENT = 0.6
POOLED = 3  # cells along each side, of every feature map
PART = 64  # faces that are looked at together
SHRINKAGE = 0.3  # of the regression, as a part of the variance of a feature
SIDE = 128  # px; smaller faces were enlarged, larger ones are made smaller


@torch.inference_mode()
def features_of(identity: Identity, faces: Tensor) -> Tensor:
    """FFHQ squares [N, 3, S, S] in [-1, 1] -> features [N, F]: pooled maps and the embedding."""
    found = []
    for part in faces.split(PART):
        small = F.interpolate(part, (SIDE, SIDE), mode="area")
        embedding, maps = identity.net(sphereface_crop(small))
        pooled = [F.adaptive_avg_pool2d(each, POOLED).flatten(1) for each in maps]
        found.append(torch.cat([embedding, *pooled], 1))
    return torch.cat(found)


@dataclass(frozen=True)
class Regression:
    """A linear map from features to labels."""

    centre: Tensor
    """[F], the mean features."""
    weights: Tensor
    """[F, labels]"""
    bias: Tensor
    """[labels]"""

    @classmethod
    def fit(cls, features: Tensor, labels: Tensor) -> Regression:
        """Ridge regression of ``labels`` [N, labels] on ``features`` [N, F], in standard units."""
        centre, spread = features.mean(0), features.std(0) + 1e-6
        x, y = (features - centre) / spread, labels - labels.mean(0)
        ridge = SHRINKAGE * len(x) * torch.eye(x.shape[1])
        weights = torch.linalg.solve(x.T @ x + ridge, x.T @ y) / spread[:, None]
        return cls(centre, weights, labels.mean(0))

    def __call__(self, features: Tensor) -> Tensor:
        """Features [N, F] -> labels [N, labels]."""
        return (features - self.centre) @ self.weights + self.bias


@dataclass(frozen=True)
class Labelled:
    """Faces [N, 3, S, S] in [-1, 1] with ``labels`` [N, names]."""

    faces: Tensor
    labels: Tensor
    names: tuple[str, ...]

    @classmethod
    def read(cls, packed: Path, known: LabelOf, names: tuple[str, ...], count: int) -> Labelled:
        """``count`` faces, evenly spread over those of a packed set that ``known`` knows.

        Raises:
            InputError: the file is missing, no packed set, or nothing in it has labels.
        """
        files, faces, _ = read_packed(packed)
        labels = [known(Path(file).name) for file in files]
        usable = [i for i, label in enumerate(labels) if label is not None]
        if not usable:
            raise InputError(f"{packed}: none of its faces has labels; were the photos renamed?")
        chosen = usable[:: max(1, len(usable) // count)][:count]
        values = torch.tensor([labels[i] for i in chosen])
        return cls(to_tensor([faces[i] for i in chosen]), values, names)


@dataclass(frozen=True)
class Readings:
    """Reads age in years, and sex and CelebA's attributes as numbers about 0 to 1, off faces."""

    identity: Identity
    regressions: Mapping[tuple[str, ...], Regression]
    """By the names that each reads."""
    units: Mapping[str, float]
    """The spread of each reading over faces that taught nothing."""
    agreement: Mapping[str, float]
    """The correlation of each reading with the labels of these faces."""

    @property
    def reliable(self) -> dict[str, float]:
        """The units of those readings that agree well enough with labels to be told."""
        agree = self.agreement
        return {name: unit for name, unit in self.units.items() if agree[name] >= LEAST_AGREEMENT}

    @classmethod
    def taught(cls, identity: Identity, sets: Iterable[Labelled]) -> Readings:
        """Fit one regression for each set on all but every fourth face, which are for trying."""
        regressions: dict[tuple[str, ...], Regression] = {}
        units: dict[str, float] = {}
        agreement: dict[str, float] = {}
        for known in sets:
            features = features_of(identity, known.faces)
            tried = torch.arange(len(features)) % 4 == 3
            fitted = Regression.fit(features[~tried], known.labels[~tried])
            read, shown = fitted(features[tried]), known.labels[tried]
            regressions[known.names] = fitted
            units |= dict(zip(known.names, read.std(0).tolist(), strict=True))
            agreement |= dict(zip(known.names, correlations(read, shown), strict=True))
        return cls(identity, regressions, units, agreement)

    def __call__(self, faces: Tensor) -> dict[str, Tensor]:
        """What is read off faces [N, 3, S, S] in [-1, 1], [N] for each name."""
        features = features_of(self.identity, faces)
        found: dict[str, Tensor] = {}
        for names, regression in self.regressions.items():
            found |= dict(zip(names, regression(features).T, strict=True))
        return found


def correlations(read: Tensor, shown: Tensor) -> list[float]:
    """The correlation of each column of two tables [N, names]."""
    a, b = read - read.mean(0), shown - shown.mean(0)
    return ((a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0) + 1e-9)).tolist()


def utk_label(file: str) -> list[float] | None:
    """Years, and 1 for men or 0 for women, of a file of UTKFace; None if its name tells neither."""
    age, sex, *_ = [*file.split("_"), "", ""]
    return [float(age), 1.0 - int(sex)] if age.isdigit() and sex in ("0", "1") else None


def labelled_sets(celeba: Path, labels: Path, utk: Path | None, count: int) -> list[Labelled]:
    """``count`` faces of CelebA and, if it is there, of UTKFace, with what is said of them."""
    known, names = celeba_labels(labels)
    sets = [Labelled.read(celeba, known, names, count)]
    if utk is not None:
        sets.append(Labelled.read(utk, utk_label, UTK_NAMES, count))
    return sets


def celeba_labels(table: Path, *, sex: bool = False) -> tuple[LabelOf, tuple[str, ...]]:
    """What CelebA's table says of a file, and the names of its columns, the sex's if asked."""
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = [i for i, name in enumerate(header) if i and (sex or name != MALE)]
    known = {row[0]: [float(row[i]) for i in columns] for row in rows}
    return known.get, tuple(header[i] for i in columns)
