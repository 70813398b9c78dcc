"""Fit the small heads, which draw 256 and 512 px pictures, to the full decoder.

``facemod train heads`` runs this.

What a head draws at a pixel depends on a few px of the features around it. So squares, cut at
random places while samples and codes of real faces (with their details, mixed and edited) are
decoded, hold all there is to learn; the target is what the full decode shows there,
area-averaged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.latent.codes import Codes
from facemod.models.wavelet.decoder import Decoder
from facemod.models.wavelet.heads import BLOCKS_BEFORE, WIDTHS, Head, Scales
from facemod.models.wavelet.model import FAMILY, WaveletModel, load
from facemod.training.bundled.details import enlarged
from facemod.training.bundled.samples import draw_styles
from facemod.training.data import PackedFaces
from facemod.training.settings import HeadOptions, Tell
from facemod.weights.files import save_weights

SQUARES, SIDE = 6, 20  # of each picture, in px of the features
FEATURES = 256  # px that the features have
RATE = 4e-3
BATCH = 32
SAMPLES, MIXED, EDITED = 0.3, 0.35, 0.2  # shares of the pictures; the rest are plain real faces
LONGEST_EDIT = 4.0  # standard deviations


@dataclass(frozen=True)
class Squares:
    """P squares of each of N pictures."""

    styles: Tensor
    """[N, 16, 512]"""
    features: Tensor
    """[N, P, 128, K, K] float16, zeros beyond the border of the map."""
    pixels: dict[int, Tensor]
    """By the size of the picture, what it shows there: [N, P, 3, k, k], k = K * size / 256."""


def draw_codes(model: WaveletModel, faces: PackedFaces | None, rng: np.random.Generator) -> Codes:
    """Codes of a sample, or of a real face as the model encodes it, perhaps mixed or edited."""
    kind = rng.random()
    if faces is None or kind < SAMPLES:
        sample = model.sample(1, seed=0)
        return Codes(draw_styles(model.mapping, 1, rng), sample.family, sample.resolutions)
    codes = model.encode(enlarged(faces.batch(2, rng)[0]))
    face, other = codes[0], codes[1]
    if kind < SAMPLES + MIXED:
        return face.with_slots(range(int(rng.integers(1, 16)), 16), other)
    if kind < SAMPLES + MIXED + EDITED:
        move = torch.from_numpy(rng.standard_normal((1, 512))).float()
        move *= float(rng.uniform(1, LONGEST_EDIT)) / move.norm()
        first, last = sorted(rng.integers(0, 16, 2).tolist())
        slots = torch.zeros(16, 1)
        slots[first : last + 1] = 1
        return face.shifted(slots * (move @ model.style_axes))
    return face


@torch.inference_mode()
def cut_squares(
    model: WaveletModel, faces: PackedFaces | None, count: int, rng: np.random.Generator
) -> Squares:
    """Squares of ``count`` pictures."""
    styles, features = [], []
    pixels: dict[int, list[Tensor]] = {size: [] for size in WIDTHS}
    for _ in range(count):
        codes = draw_codes(model, faces, rng)
        x, styles_, blocks = model.begun(codes)
        x = model.painter.through(x, styles_, range(blocks, BLOCKS_BEFORE))
        image = model.decode(codes)
        corners = rng.integers(-2, FEATURES - SIDE + 3, (SQUARES, 2)).tolist()
        styles.append(codes.styles[0])
        features.append(squares_of(x[0], corners, SIDE).half())
        for size, cut in pixels.items():
            small = F.interpolate(image, (size, size), mode="area")[0]
            times = size // FEATURES
            scaled = [(y * times, x * times) for y, x in corners]
            cut.append(squares_of(small, scaled, SIDE * times).half())
    stacked = {size: torch.stack(cut) for size, cut in pixels.items()}
    return Squares(torch.stack(styles), torch.stack(features), stacked)


def squares_of(image: Tensor, corners: Sequence[tuple[int, int]], side: int) -> Tensor:
    """Squares [P, C, side, side] of an image [C, H, W], zeros beyond its border."""
    padded = F.pad(image, (side,) * 4)
    return torch.stack(
        [padded[:, y + side : y + 2 * side, x + side : x + 2 * side] for y, x in corners]
    )


def prepare(head: Head) -> None:
    """Begin with scales near 1 and without blur."""
    first = head.layers[0].depthwise.weight
    torch.nn.init.zeros_(first)
    first.data[:, :, 1, 1] = 1
    for modulate in head.modulates:
        torch.nn.init.normal_(modulate.weight, std=0.02)
        torch.nn.init.ones_(modulate.bias)


def fit_head(head: Head, decoder: Decoder, squares: Squares, steps: int) -> Iterator[float]:
    """Train ``head`` on squares, yielding the mean squared error of each step."""
    prepare(head)
    with torch.no_grad():
        scales = head.scales(decoder, squares.styles)
    mean, spread = scales.late.mean(0), scales.late.std()
    scales = scales._replace(late=(scales.late - mean) / spread)
    optimizer = torch.optim.Adam(head.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        drawn, true = draw(head, scales, squares)
        loss = F.mse_loss(drawn, true)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        yield float(loss.detach())
    for modulate in head.modulates:
        modulate.weight.data /= spread
        modulate.bias.data -= modulate.weight.data @ mean


def draw(head: Head, scales: Scales, squares: Squares) -> tuple[Tensor, Tensor]:
    """What the head makes of some squares of random pictures, and the truth."""
    pictures = torch.randint(0, len(squares.styles), (BATCH,))
    there = (pictures, torch.randint(0, squares.features.shape[1], (BATCH,)))
    features = squares.features[there].float().contiguous(memory_format=torch.channels_last)
    drawn = head(features, Scales(*(s if s is None else s[pictures] for s in scales)), padding=0)
    edge = head.border
    return drawn, squares.pixels[head.size][there].float()[..., edge:-edge, edge:-edge]


def fit_heads(target: Path, options: HeadOptions, tell: Tell) -> None:
    """Cut squares, fit the heads, and write the weight file."""
    torch.manual_seed(0)
    model = load()
    faces = PackedFaces(options.faces) if options.faces else None
    squares = cut_squares(model, faces, options.pictures, np.random.default_rng(0))
    for head in model.networks.heads.values():
        errors = list(fit_head(head.requires_grad_(True), model.decoder, squares, options.steps))
        tell(f"{head.size} px: mean squared error {np.mean(errors[-100:]):.2e}")
    save_weights(target, model.networks.heads.state_dict(), {"family": FAMILY})
