"""What reconstructions are measured by: small objects, one per measure.

A :class:`FaceMetric` looks at one face and its reconstruction; scores of groups are means of
these. A :class:`ModelMetric` needs the model and all faces at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces.face import Detector
from facemod.latent.codes import Codes
from facemod.models.base import FaceModel
from facemod.models.wavelet.identity import Identity
from facemod.tensors.pixels import to_pixels
from facemod.training.judges.identity import similarity

SIDE = 256
MS_SSIM_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
NATURAL = 256  # random faces that tell how far from the mean is natural


@dataclass(frozen=True)
class Reconstructed:
    """One aligned face and what the model makes of it."""

    name: str
    original: Tensor
    """[1, 3, S, S] in [-1, 1]."""
    image: Tensor
    """The reconstruction, same shape."""
    known: Tensor
    """[1, 1, S, S]: 1 where the photo has pixels, 0 where the crop shows its mirror image."""
    codes: Codes
    encode_seconds: float
    decode_seconds: float

    def reduced(self, side: int = SIDE) -> Reconstructed:
        """The same at another size."""
        small = [
            F.interpolate(x, (side, side), mode="area")
            for x in (self.original, self.image, self.known)
        ]
        return replace(self, original=small[0], image=small[1], known=small[2])


@dataclass(frozen=True)
class FaceMetric:
    """A measure of one face; NaN where it cannot be taken."""

    name: str
    unit: str
    best: str
    """``high``, ``low``, or nothing for a mere fact."""
    digits: int
    measure: Callable[[Reconstructed], float]


class ModelMetric(Protocol):
    """A measure of the whole model: rows of numbers by name, for a table of their own."""

    @property
    def name(self) -> str:
        """What its table is called."""
        ...

    def measure(
        self, model: FaceModel, faces: Sequence[Reconstructed]
    ) -> Mapping[str, Mapping[str, float]]:
        """What was found. ``faces`` are at :data:`SIDE` px, with their codes."""
        ...


def face_metrics(
    model: FaceModel, detector: Detector, identity: Identity | None
) -> list[FaceMetric]:
    """Every measure of single faces; the identity network is the user's to bring."""
    known = [] if identity is None else [
        FaceMetric("identity", "", "high", 3, partial(identity_similarity, identity))
    ]  # fmt: skip
    mean, distance = natural_spread(model)
    return [
        *known,
        FaceMetric("ms-ssim", "", "high", 3, structural_similarity),
        FaceMetric("psnr", "dB", "high", 1, known_psnr),
        FaceMetric("landmarks", "% of eye distance", "low", 1, partial(landmark_error, detector)),
        FaceMetric("latent distance", "natural = 1", "", 2, partial(spread, mean, distance)),
        FaceMetric("latent variation", "", "", 2, partial(variation, distance)),
        FaceMetric("encode", "s", "low", 3, lambda face: face.encode_seconds),
        FaceMetric("decode", "s", "low", 3, lambda face: face.decode_seconds),
    ]


def identity_similarity(identity: Identity, face: Reconstructed) -> float:
    """Cosine of the embeddings of input and reconstruction; two strangers average near 0."""
    return float(similarity(identity, face.original, face.image))


def known_psnr(face: Reconstructed) -> float:
    """Peak signal-to-noise ratio in dB at 256 px, over the photo's own pixels."""
    small = face.reduced()
    error = ((small.original - small.image).square() * small.known).sum() / (
        3 * small.known.sum().clamp_min(1e-6)
    )
    return float(10 * torch.log10(4 / error.clamp_min(1e-10)))


def structural_similarity(face: Reconstructed) -> float:
    """MS-SSIM at 256 px, over the photo's own pixels."""
    small = face.reduced()
    return float(ms_ssim(small.original, small.image, small.known))


def ms_ssim(a: Tensor, b: Tensor, known: Tensor) -> Tensor:
    """Multi-scale structural similarity (Wang, Simoncelli, Bovik 2003), [N].

    Images [N, 3, S, S] in [-1, 1], S at least 176; what is not ``known`` [N, 1, S, S] counts as
    equal, and windows count by how known their centre is. Gaussian windows of 11 px with a
    deviation of 1.5 px, five scales.
    """
    b = known * b + (1 - known) * a
    taps = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
    taps = taps / taps.sum()
    window = (taps[:, None] * taps).expand(3, 1, 11, 11).to(a)
    result = a.new_ones(len(a))
    for scale, weight in enumerate(MS_SSIM_WEIGHTS):
        if scale:
            a, b, known = (F.avg_pool2d(x, 2) for x in (a, b, known))
        contrast, luminance = _ssim_maps(a, b, window)
        last = scale == len(MS_SSIM_WEIGHTS) - 1
        kept = contrast * luminance if last else contrast
        share = known[..., 5:-5, 5:-5]
        known_windows = 3 * share.sum((1, 2, 3))
        mean = (kept * share).sum((1, 2, 3)) / known_windows.clamp_min(1e-6)
        mean = torch.where(known_windows > 0, mean, 1.0)
        result = result * mean.clamp_min(0) ** weight
    return result


def _ssim_maps(a: Tensor, b: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    """Contrast-and-structure and luminance terms at each window; the data range is 2."""
    stable_luminance, stable_contrast = (2 * 0.01) ** 2, (2 * 0.03) ** 2
    mean_a, mean_b, aa, bb, ab = (
        F.conv2d(x, window, groups=3) for x in (a, b, a * a, b * b, a * b)
    )
    products = mean_a * mean_b
    squares = mean_a.square() + mean_b.square()
    contrast = (2 * (ab - products) + stable_contrast) / (aa + bb - squares + stable_contrast)
    return contrast, (2 * products + stable_luminance) / (squares + stable_luminance)


def landmark_error(detector: Detector, face: Reconstructed) -> float:
    """How far the eyes and mouth corners moved, in % of the distance between the eyes.

    The face is found again in both pictures. NaN when it is not.
    """
    before, after = (landmarks_of(detector, x) for x in (face.original, face.image))
    if before is None or after is None:
        return float("nan")
    a, b = before[[0, 1, 3, 4]], after[[0, 1, 3, 4]]
    return float(100 * np.hypot(*(a - b).T).mean() / np.hypot(*(a[1] - a[0])))


def landmarks_of(detector: Detector, image: Tensor) -> NDArray[np.float64] | None:
    """Eyes, nose and mouth corners [5, 2] of the face in the middle of [1, 3, S, S], or None.

    Others, which mirrored padding makes, are nearer to the border.
    """
    middle = image.shape[-1] / 2
    found = [face.landmarks for face in detector.detect(to_pixels(image)[0])]
    return min(found, key=lambda points: np.hypot(*(points.mean(0) - middle)), default=None)


def natural_spread(model: FaceModel) -> tuple[Tensor, float]:
    """The mean style [dim] of random faces, and the root mean square distance from it."""
    styles = model.sample(NATURAL, seed=0, truncation=1.0).styles.float().cpu()
    mean = styles.mean((0, 1))
    return mean, float((styles - mean).square().sum(2).mean().sqrt())


def spread(mean: Tensor, distance: float, face: Reconstructed) -> float:
    """How far the codes are from the mean style; 1 is as far as random faces are.

    Codes that stay within reach of random ones are those that presets and mixing suit.
    """
    styles = face.codes.styles.float().cpu()
    return float((styles - mean).square().sum(2).mean().sqrt()) / distance


def variation(distance: float, face: Reconstructed) -> float:
    """How much the slots differ from their mean, in the same unit; 0 for one style in all."""
    styles = face.codes.styles.float().cpu()
    return float((styles - styles.mean(1, keepdim=True)).square().sum(2).mean().sqrt()) / distance
