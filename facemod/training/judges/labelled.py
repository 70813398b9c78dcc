"""Real faces with labels: CelebA's attributes, UTKFace's age, sex and ethnicity."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import InputError
from facemod.tensors.pixels import to_tensor
from facemod.training.data import read_packed
from facemod.training.judges.attributes import AGE, ETHNICITIES, MALE, reduced

# Ages enter the loss as (years - 35) / 20, so that they weigh about as much as a yes or no.
AGE_CENTRE, AGE_SCALE = 35.0, 20.0


@dataclass(frozen=True)
class LabelledFaces:
    """Faces uint8 [N, 64, 64, 3] with labels [N, attributes]; NaN where a label is unknown."""

    faces: NDArray[np.uint8]
    labels: NDArray[np.float32]

    def tensor(self, chosen: NDArray[np.int64] | slice) -> Tensor:
        """Chosen faces [N, 3, 64, 64] in [-1, 1]."""
        return to_tensor(list(self.faces[chosen]))


def load_celeba(packed: Path, table: Path) -> tuple[LabelledFaces, tuple[str, ...]]:
    """CelebA faces with their 40 attributes as 0 or 1, and the names of all attributes.

    Ethnicity and age, which follow CelebA's own, are unknown.
    """
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    unknown = [math.nan] * (len(ETHNICITIES) + 1)
    known = {row[0]: [float(cell) for cell in row[1:]] + unknown for row in rows}
    names, faces = load_packed(packed)
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(f"{table}: has no attributes of {missing[0]} and {len(missing) - 1} more")
    labels = np.array([known[name] for name in names], np.float32)
    return LabelledFaces(faces, labels), (*header[1:], *ETHNICITIES, AGE)


def load_utk(packed: Path, attributes: tuple[str, ...]) -> LabelledFaces:
    """UTKFace faces: sex, age and ethnicity. Files without them in their names are left out."""
    names, faces = load_packed(packed)
    labels = np.full((len(names), len(attributes)), math.nan, np.float32)
    for label, name in zip(labels, names, strict=True):
        age, sex, ethnicity, *_ = name.split("_")
        if age.isdigit() and sex in ("0", "1") and ethnicity.isdigit():
            label[attributes.index(AGE)] = (float(age) - AGE_CENTRE) / AGE_SCALE
            label[attributes.index(MALE)] = 1 - int(sex)
            for number, word in enumerate(ETHNICITIES):
                label[attributes.index(word)] = int(ethnicity) == number
    usable = ~np.isnan(labels).all(1)
    return LabelledFaces(faces[usable], labels[usable])


def load_packed(packed: Path) -> tuple[list[str], NDArray[np.uint8]]:
    """File names, without folders, and faces [N, 64, 64, 3] of a packed set."""
    names, faces, _ = read_packed(packed)
    small = [
        reduced(torch.from_numpy(part).permute(0, 3, 1, 2).float()).round().byte()
        for part in np.array_split(faces, max(1, len(faces) // 500))
    ]
    return [Path(name).name for name in names], torch.cat(small).permute(0, 2, 3, 1).numpy()


def concatenate(parts: list[LabelledFaces]) -> LabelledFaces:
    return LabelledFaces(
        np.concatenate([part.faces for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def split(faces: LabelledFaces, held_out: float, seed: int) -> tuple[LabelledFaces, LabelledFaces]:
    """A random division into faces to learn from and a fraction to measure on."""
    order = np.random.default_rng(seed).permutation(len(faces.faces))
    cut = round(len(order) * held_out)
    learn, measure = order[cut:], order[:cut]
    return (
        LabelledFaces(faces.faces[learn], faces.labels[learn]),
        LabelledFaces(faces.faces[measure], faces.labels[measure]),
    )


def half(faces: LabelledFaces, which: int) -> LabelledFaces:
    """Every second face, from the first (0) or the second (1) on."""
    return LabelledFaces(faces.faces[which::2], faces.labels[which::2])
