"""How well a model's reconstructions keep the person.

``facemod evaluate`` runs this. What is measured stands in
:mod:`facemod.training.evaluation.metrics`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facemod.errors import NoFaceError
from facemod.faces.align import crop_face
from facemod.faces.choice import choose
from facemod.faces.face import Detector
from facemod.imaging.sheet import tile
from facemod.models.base import FaceModel
from facemod.models.registry import load_model
from facemod.models.wavelet.model import load
from facemod.tensors.pixels import to_pixels, to_tensor
from facemod.training.data import known_region
from facemod.training.evaluation.groups import Scores
from facemod.training.evaluation.metrics import FaceMetric, Reconstructed
from facemod.weights.files import fill, load_weights

PAIRS_PER_ROW = 5


@dataclass
class Evaluation:
    """What an evaluation found."""

    scores: list[tuple[str, Scores]] = field(default_factory=list)
    """The name and the scores of each face that was measured."""
    kept: list[Reconstructed] = field(default_factory=list)
    """The first faces, at 256 px, for the sheet and for measures of the whole model."""
    problems: list[str] = field(default_factory=list)
    """What was left out, and why."""


def open_model(name: str, device: str) -> FaceModel:
    """A model by name or file, or the bundled one with what a run trained.

    Raises:
        UsageError: no model has this name.
        ModelError: the weights are missing, damaged, or do not fit.
    """
    path = Path(name)
    if path.suffix != ".safetensors" or not path.is_file():
        return load_model(name, device)
    state = load_weights(path)[0]
    model = load(device)
    for part in (model.encoder, model.networks.corrector, model.details):
        if part.state_dict().keys() == state.keys():
            fill(part, state, path)
            return model
    return load_model(name, device)


def evaluate(
    model: FaceModel,
    detector: Detector,
    photos: Iterable[tuple[str, NDArray[np.uint8] | None]],
    metrics: Sequence[FaceMetric],
    *,
    keep: int,
    details: bool = True,
    see: Callable[[Reconstructed], None] = lambda face: None,
) -> Evaluation:
    """Measure the reconstruction of the largest face of each photo; keep the first ``keep``.

    ``see`` is shown every face. Without ``details`` the styles alone are measured.

    Raises:
        NoFaceError: no photo had a face.
    """
    evaluation = Evaluation()
    for name, rgb in photos:
        found = [] if rgb is None else detector.detect(rgb)
        if rgb is None or not found:
            evaluation.problems.append(f"{name}: {'unreadable' if rgb is None else 'no face'}")
            continue
        crop = crop_face(rgb, choose(found, "largest")[0], model.info.resolution)
        known = known_region(crop.matrix, rgb.shape[:2], model.info.resolution)
        face = reconstruct(model, name, crop.pixels, known, details=details)
        evaluation.scores.append((name, {m.name: m.measure(face) for m in metrics}))
        see(face)
        if len(evaluation.kept) < keep:
            evaluation.kept.append(face.reduced())
    if not evaluation.scores:
        raise NoFaceError("no face was found in any of the photos")
    return evaluation


def reconstruct(
    model: FaceModel,
    name: str,
    pixels: NDArray[np.uint8],
    known: NDArray[np.uint8],
    *,
    details: bool = True,
) -> Reconstructed:
    """An aligned face [R, R, 3] through the model, with the seconds that takes."""
    original = to_tensor([pixels])
    began = time.perf_counter()
    codes = model.encode(original)
    codes = codes if details else codes.without_details()
    codes = replace(codes, styles=codes.styles.cpu())  # waits for a GPU to be done
    encoded = time.perf_counter()
    image = model.decode(codes).float().cpu()
    decoded = time.perf_counter()
    mask = torch.from_numpy(known)[None, None].float() / 255
    return Reconstructed(name, original, image, mask, codes, encoded - began, decoded - encoded)


def sheet(faces: Sequence[Reconstructed]) -> NDArray[np.uint8]:
    """Each face beside its reconstruction, five pairs in a row."""
    pairs = [to_pixels(x)[0] for face in faces for x in (face.original, face.image)]
    return tile(pairs, columns=min(2 * PAIRS_PER_ROW, len(pairs)), gap=4)
