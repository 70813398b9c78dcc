"""Fit the small heads, which draw 256 and 512 px pictures, to the full decoder.

    python -m facemod.training.heads facemod/models/wavelet/heads.safetensors --faces packed.npz

What a head draws at a pixel depends on 3x3 of the features that it reads. So patches of that
size, cut at random places while samples and edited codes of real faces are decoded, hold all
there is to learn; the target is what the full decode shows there, area-averaged.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.decoder import Decoder
from facemod.models.wavelet.encoder import Encoder
from facemod.models.wavelet.heads import WIDTHS, Head, Heads, Scales
from facemod.models.wavelet.mapping import Mapping
from facemod.models.wavelet.model import FAMILY, FOLDER
from facemod.models.weights import filled, save_weights
from facemod.training.data import PackedFaces
from facemod.training.samples import draw_styles

PATCHES = 96  # per picture
RATE = 4e-3
BATCH, PATCHES_PER_STEP = 64, 16


@dataclass(frozen=True)
class Patches:
    """N pictures, P patches of each."""

    styles: Tensor
    """[N, 16, 512]"""
    features: Tensor
    """[N, P, C, 3, 3] float16"""
    pixels: Tensor
    """[N, P, 3, 2, 2] of what the features' middle becomes."""


@dataclass(frozen=True)
class Source:
    """What makes styles to learn from."""

    mapping: Mapping
    encoder: Encoder
    faces: PackedFaces | None
    """Real faces of 128 px."""


def draw_codes(source: Source, rng: np.random.Generator) -> Tensor:
    """Styles [1, 16, 512]: a sample, or a real face as the encoder sees it, perhaps mixed."""
    if source.faces is None or rng.random() < 0.45:
        return draw_styles(source.mapping, 1, rng)
    styles = source.encoder(source.faces.batch(2, rng)[0])
    if rng.random() < 0.3:
        cut = int(rng.integers(1, styles.shape[1]))
        styles[0, cut:] = styles[1, cut:]
    return styles[:1]


@torch.inference_mode()
def cut_patches(
    decoder: Decoder, source: Source, count: int, rng: np.random.Generator
) -> dict[int, Patches]:
    """Patches for the head of each size, from ``count`` pictures."""
    parts: dict[int, list[tuple[Tensor, ...]]] = {size: [] for size in WIDTHS}
    for _ in range(count):
        styles = draw_codes(source, rng)
        image = decoder(styles).clamp_(-1, 1)
        for size, cut in parts.items():
            features = decoder.features(styles, Head(size).blocks)
            target = F.interpolate(image, (size, size), mode="area")
            cut.append((styles[0], *patches_of(features[0], target[0], rng)))
    return {size: Patches(*map(torch.stack, zip(*cut, strict=True))) for size, cut in parts.items()}


def patches_of(features: Tensor, image: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Features [P, C, 3, 3] at random places of [C, S, S], and pixels [P, 3, 2, 2] there."""
    places = rng.integers(0, features.shape[-1], (PATCHES, 2)).tolist()
    padded = F.pad(features, (1, 1, 1, 1))
    return (
        torch.stack([padded[:, y : y + 3, x : x + 3] for y, x in places]).half(),
        torch.stack([image[:, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2] for y, x in places]),
    )


def prepare(head: Head, decoder: Decoder) -> None:
    """Begin as a narrow part of the block that the head replaces."""
    block = decoder.blocks[head.blocks]
    copies = {
        head.conv1.depthwise.weight: block.conv1.depthwise.weight,
        head.conv1.pointwise.weight: block.conv1.pointwise.weight,
        head.conv1.pointwise.bias: block.conv1.pointwise.bias,
        head.conv2.depthwise.weight: block.conv2.depthwise.weight,
    }
    for to, weight in copies.items():
        to.data.copy_(weight[: len(to)])
    # The first of the late scales are those of the block's second convolution.
    torch.nn.init.eye_(head.modulate.weight)
    torch.nn.init.zeros_(head.modulate.bias)


@torch.no_grad()
def solve_last(head: Head, scales: Scales, patches: Patches) -> None:
    """Make the last layer, which is linear, as good as it can be for the layers before."""
    seen: list[Tensor] = []
    handle = head.conv2.depthwise.register_forward_hook(lambda _, __, x: seen.append(x))
    targets = torch.cat([draw(head, scales, patches)[1] for _ in range(20)])
    handle.remove()
    hidden = F.pad(torch.cat(seen).movedim(1, -1).flatten(0, 2), (0, 1), value=1.0)
    solved = torch.linalg.lstsq(hidden, targets.movedim(1, -1).flatten(0, 2)).solution
    head.conv2.pointwise.weight.copy_(solved[:-1].T[:, :, None, None])
    head.conv2.pointwise.bias.copy_(solved[-1])


def fit(head: Head, decoder: Decoder, patches: Patches, steps: int) -> Iterator[float]:
    """Train ``head`` on patches, yielding the mean squared error of each step."""
    prepare(head, decoder)
    with torch.no_grad():
        scales = head.scales(decoder, patches.styles)
    mean, spread = scales.late.mean(0), scales.late.std()
    scales = scales._replace(late=(scales.late - mean) / spread)
    head.modulate.bias.data += head.modulate.weight.data @ mean
    head.modulate.weight.data *= spread
    solve_last(head, scales, patches)
    optimizer = torch.optim.Adam(head.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    for _ in range(steps):
        drawn, true = draw(head, scales, patches)
        loss = F.mse_loss(drawn, true)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        yield float(loss.detach())
    head.modulate.weight.data /= spread
    head.modulate.bias.data -= head.modulate.weight.data @ mean


def draw(head: Head, scales: Scales, patches: Patches) -> tuple[Tensor, Tensor]:
    """What the head makes of random patches of random pictures, and the truth."""
    pictures = torch.randperm(len(patches.styles))[:BATCH]
    chosen = torch.randperm(patches.features.shape[1])[:PATCHES_PER_STEP]
    there = (pictures[:, None], chosen)
    features = patches.features[there].flatten(0, 1).float()
    features = features.contiguous(memory_format=torch.channels_last)
    repeated = (s[pictures].repeat_interleave(len(chosen), 0) for s in scales)
    drawn = head(features, Scales(*repeated), padding=0)
    return drawn, patches.pixels[there].flatten(0, 1)


def main() -> None:
    """Cut patches, fit both heads, and write the weight file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights", type=Path, help="the file to write")
    parser.add_argument("--faces", type=Path, help="a packed set of real faces")
    parser.add_argument("--pictures", type=int, default=700)
    parser.add_argument("--steps", type=int, default=3000)
    args = parser.parse_args()
    torch.manual_seed(0)
    networks = {"encoder": Encoder(), "mapping": Mapping(), "decoder": Decoder()}
    for name, network in networks.items():
        filled(network, FOLDER / f"{name}.safetensors").eval().requires_grad_(False)
    decoder = networks.pop("decoder")
    source = Source(faces=PackedFaces(args.faces) if args.faces else None, **networks)
    cut = cut_patches(decoder, source, args.pictures, np.random.default_rng(0))
    heads = Heads()
    for size, patches in cut.items():
        errors = list(fit(heads[str(size)], decoder, patches, args.steps))
        print(f"{size} px: mean squared error {np.mean(errors[-100:]):.2e}")
    save_weights(args.weights, heads.state_dict(), {"family": FAMILY})


if __name__ == "__main__":
    main()
