"""Train the matting head, which tells the person in the decoder's features from the background.

``facemod train matting FILE`` runs this.

Photos with exact outlines are made: people are cut out of decoder samples, whose outlines are
known, are put before other backgrounds, and go through the encoder as any photo does. What is
learnt is the outline in the features that come of it. A part of the pictures are plain samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.wavelet.matting import BLOCKS_READ, MattingHead
from facemod.models.wavelet.model import FAMILY, WaveletModel, load
from facemod.tensors.blur import gaussian_blur, resized
from facemod.training.bundled.backgrounds import background
from facemod.training.data import degrade
from facemod.training.settings import MattingOptions, Tell
from facemod.weights.files import fill, load_weights, save_weights

OUTLINES = Path(__file__).parent / "outlines.npz"
DRAWN = 256  # px of the pictures that photos are made of
PLAIN = 0.25  # part of the pictures that are samples as they are
HELD = 8  # one of so many samples is kept for measuring, on one picture each
BATCH = 4
RATE, DECAY, DROPPED = 2.5e-3, 0.03, 0.1
# Of how much of the sides of a sample a photo is made, at least; powers of brightness, at most.
PART, DARKER = 0.8, 0.5


@dataclass(frozen=True)
class Samples:
    """Decoder samples whose outlines are known."""

    styles: Tensor
    """[N, 16, 512]"""
    pictures: Tensor
    """[N, 3, DRAWN, DRAWN] in [-1, 1]."""
    outlines: Tensor
    """[N, 2, K, K] of 0 and 1: where the person is, and where that is known."""

    def chosen(self, rows: Sequence[int]) -> Samples:
        """Some of them."""
        picked = list(rows)
        return Samples(self.styles[picked], self.pictures[picked], self.outlines[picked])


class Example(NamedTuple):
    """What the head is shown of one picture, and what it should say."""

    features: Tensor
    """[1, 256, K, K] float16"""
    outline: Tensor
    """[1, 2, SIDE, SIDE] as :class:`Samples` has it."""


def outlined_samples(model: WaveletModel, limit: int | None = None) -> Samples:
    """The samples that ``outlines.npz`` knows the outlines of, or the first ``limit`` of them.

    Each is one of a batch of samples: of a seed, so many, one of them, at some truncation.
    """
    with np.load(OUTLINES) as file:
        people = np.unpackbits(file["person"], axis=-1)[:limit]
        known = np.unpackbits(file["known"], axis=-1)[:limit]
        rows = zip(file["samples"].tolist(), file["truncation"].tolist(), strict=True)
        wanted = list(rows)[:limit]
    styles, pictures = [], []
    for (seed, count, index), truncation in wanted:
        codes = model.sample(count, seed=seed, truncation=truncation)[index]
        styles.append(codes.styles)
        pictures.append(model.decode(codes, DRAWN))
    outlines = torch.from_numpy(np.stack((people, known), axis=1)).float()
    return Samples(torch.cat(styles), torch.cat(pictures), outlines)


@torch.inference_mode()
def example(model: WaveletModel, samples: Samples, rng: np.random.Generator) -> Example:
    """One random sample as it is, or as the person in a photo before another background."""
    i = int(rng.integers(len(samples.styles)))
    if rng.random() < PLAIN:
        features = model.painter.features(samples.styles[i, None], BLOCKS_READ)
        return Example(features.half(), samples.outlines[i, None])
    photo, outline = composed(samples, i, rng)
    codes = model.encode(resized(degrade(photo, rng), 2 * DRAWN))
    x, styles, blocks = model.begun(codes)
    x = model.painter.through(x, styles, range(blocks, BLOCKS_READ))
    return Example(x.half(), outline)


def composed(samples: Samples, i: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Sample ``i`` in other light, moved, before another background, and its outline."""
    picture, outline = moved(samples.pictures[i, None], samples.outlines[i, None], rng)
    person = gaussian_blur(resized(outline[:, :1], DRAWN), 0.004)
    other = samples.pictures[int(rng.integers(len(samples.pictures)))][None]
    behind = background(other, rng)
    light = np.exp(rng.uniform(-DARKER, DARKER)) * np.exp(rng.normal(0, 0.06, 3))
    powers = torch.from_numpy(light).to(picture)[:, None, None]
    lit = ((picture + 1) / 2).clamp(1e-3, 1) ** powers * 2 - 1
    return behind.lerp(lit, person), outline


def moved(picture: Tensor, outline: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A part of a picture [1, 3, H, H] and of its outline [1, 2, K, K]; perhaps turned over."""
    part = float(rng.uniform(PART, 1))
    turned = part * float(rng.choice((-1, 1)))
    x, y = rng.uniform(part - 1, 1 - part, 2).tolist()
    matrix = torch.tensor([[[turned, 0.0, x], [0.0, part, y]]])
    shown, marked = (
        F.grid_sample(
            maps,
            F.affine_grid(matrix, list(maps.shape), align_corners=False),
            padding_mode="border",
            align_corners=False,
        )
        for maps in (picture, outline)
    )
    person, known = marked.split(1, dim=1)
    return shown, torch.cat(((person > 0.5).float(), (known > 0.99).float()), dim=1)


def fit_matting(target: Path, options: MattingOptions, tell: Tell) -> None:
    """Make photos, train the head beside, and write the weight file."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    model, head = load(), MattingHead()
    if options.start:
        fill(head, load_weights(options.start)[0], options.start)
    samples = outlined_samples(model, options.samples)
    rows = range(len(samples.styles))
    held = samples.chosen(rows[::HELD])
    learnt = samples.chosen([row for row in rows if row % HELD])
    measured = [
        example(model, held.chosen([i]), np.random.default_rng(i)) for i in range(len(held.styles))
    ]
    optimizer = torch.optim.AdamW(head.parameters(), RATE, weight_decay=DECAY)
    memory: list[Example] = []
    for count in range(options.pictures):
        memory = [*memory[-options.memory + 1 :], example(model, learnt, rng)]
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - count / options.pictures)
        for _ in range(options.steps):
            step(head, optimizer, memory, rng)
        if (count + 1) % options.report == 0 or count + 1 == options.pictures:
            tell(f"{count + 1} pictures: overlap of people {overlap(head, measured):.4f}")
            save_weights(target, head.eval().state_dict(), {"family": FAMILY})


def step(
    head: MattingHead,
    optimizer: torch.optim.Optimizer,
    memory: Sequence[Example],
    rng: np.random.Generator,
) -> None:
    """One step of learning from some of the ``memory``, the newest always among them."""
    chosen = [-1, *rng.integers(0, len(memory), BATCH - 1).tolist()]
    features = torch.cat([memory[i].features for i in chosen]).float()
    person, known = torch.cat([memory[i].outline for i in chosen]).split(1, dim=1)
    head.train()
    said = head(F.dropout2d(features, DROPPED))
    losses = F.binary_cross_entropy_with_logits(said, person, reduction="none")
    optimizer.zero_grad(set_to_none=True)
    ((losses * known).sum() / known.sum().clamp_min(1)).backward()
    optimizer.step()


@torch.no_grad()
def overlap(head: MattingHead, measured: Sequence[Example]) -> float:
    """Intersection over union of the people and what the head takes for them, where known."""
    head.eval()
    both = either = 0.0
    for features, outline in measured:
        person, known = outline[:, :1] > 0.5, outline[:, 1:] > 0.5
        said = head(features.float()) > 0
        both += float((said & person & known).sum())
        either += float(((said | person) & known).sum())
    return both / max(either, 1.0)
