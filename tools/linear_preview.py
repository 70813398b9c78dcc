"""Solve the linear map from the decoder's 64 px features to its picture at 128 px.

    python tools/linear_preview.py facemod/models/wavelet/preview.safetensors

Least squares over random faces, single and mixed, of truncation 0.4 to 1; takes some minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.details import BLOCKS_BEFORE
from facemod.models.wavelet.model import WaveletModel, load
from facemod.models.wavelet.preview import BANDS, SIDE, LinearPreview
from facemod.training.bundled.samples import draw_styles
from facemod.weights.files import save_weights

RIDGE = 1e-4
DRAWN = 256  # px: what is averaged to 128 px, near enough to the full picture
HELD = 8  # faces that tell how good the map is


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    model = load()
    torch.manual_seed(args.seed)
    styles = draw_styles(model.mapping, args.faces + HELD, np.random.default_rng(args.seed))
    with torch.inference_mode():
        preview = solved(model, styles[HELD:])
        quality = decibels(model, preview, styles[:HELD])
    facts = {"family": "wavelet", "faces": args.faces, "seed": args.seed, "decibels": quality}
    save_weights(args.target, preview.state_dict(), facts, dtype=torch.float32)
    print(f"{args.target}: {quality:.1f} dB on {HELD} other faces")


def solved(model: WaveletModel, styles: Tensor) -> LinearPreview:
    """The map that shows these styles [N, 16, 512] best."""
    preview = LinearPreview()
    size = preview.in_channels + 1
    left, right = torch.zeros(size, size).double(), torch.zeros(size, BANDS).double()
    for style in styles.split(1):
        features, picture = drawn(model, style)
        columns = features.flatten(2)[0].T
        columns = torch.cat((columns, columns.new_ones(len(columns), 1)), dim=1)
        left += (columns.T @ columns).double()
        right += (columns.T @ haar(picture).flatten(2)[0].T).double()
    ridge = RIDGE * left.diagonal().mean() * torch.eye(size)
    solution = torch.linalg.solve(left + ridge, right).float()
    preview.weight.copy_(solution[:-1].T[..., None, None])
    preview.bias.copy_(solution[-1])
    return preview


def drawn(model: WaveletModel, style: Tensor) -> tuple[Tensor, Tensor]:
    """The 64 px features of one style and the picture [1, 3, 128, 128] they lead to."""
    features = model.painter.features(style, BLOCKS_BEFORE)
    picture = model.painter.image(features, style, BLOCKS_BEFORE, DRAWN).clamp(-1, 1)
    return features, F.interpolate(picture, (SIDE, SIDE), mode="area")


def haar(image: Tensor) -> Tensor:
    """One level of the Haar transform, the inverse of :func:`inverse_haar`."""
    a, b, c, d = (image[..., i::2, j::2] for i in (0, 1) for j in (0, 1))
    details = torch.stack((a + b - c - d, a - b + c - d, a - b - c + d), dim=2)
    return torch.cat((a + b + c + d, details.flatten(1, 2)), dim=1) / 2


def decibels(model: WaveletModel, preview: LinearPreview, styles: Tensor) -> float:
    """Peak signal-to-noise ratio of the previews of styles, the mean in dB."""
    errors = []
    for style in styles.split(1):
        features, picture = drawn(model, style)
        errors.append((preview(features).clamp(-1, 1) - picture).square().mean())
    return float((10 * torch.log10(4 / torch.stack(errors))).mean())


if __name__ == "__main__":
    main()
