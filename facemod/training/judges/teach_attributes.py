"""Teach an attribute network (:mod:`facemod.training.judges.attributes`) with labelled real faces.

``facemod train presets`` teaches the two that it needs, one of them as an independent judge.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.tensors.precision import autocast
from facemod.training.judges.attributes import AGE, RESOLUTION, AttributeNet
from facemod.training.judges.labelled import (
    LabelledFaces,
    concatenate,
    half,
    load_celeba,
    load_utk,
    split,
)
from facemod.weights.files import save_weights

MAX_SHIFT = 3  # px of random translation while training


def augment(faces: Tensor, rng: np.random.Generator) -> Tensor:
    """Random mirror image, shift, softness, brightness and contrast of a batch."""
    if rng.random() < 0.5:
        faces = faces.flip(3)
    x, y = rng.integers(-MAX_SHIFT, MAX_SHIFT + 1, 2)
    padded = F.pad(faces, (MAX_SHIFT,) * 4, mode="reflect")
    faces = padded[..., MAX_SHIFT + y :, MAX_SHIFT + x :][..., :RESOLUTION, :RESOLUTION]
    if rng.random() < 0.5:
        side = int(rng.integers(RESOLUTION // 2, RESOLUTION))
        soft = F.interpolate(faces, (side, side), mode="area")
        faces = F.interpolate(soft, (RESOLUTION, RESOLUTION), mode="bilinear")
    return faces * rng.uniform(0.85, 1.15) + rng.uniform(-0.1, 0.1)


def loss_of(outputs: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of the yes-or-no attributes plus squared error of the age, where known."""
    known = ~labels.isnan()
    target = labels.nan_to_num()
    entropy = F.binary_cross_entropy_with_logits(outputs[:, :-1], target[:, :-1], reduction="none")
    error = torch.cat([entropy, (outputs[:, -1:] - target[:, -1:]).square()], dim=1)
    per_attribute = (error * known).sum(0) / known.sum(0).clamp(min=1)
    return per_attribute.sum() / known.any(0).sum()


def train(
    net: AttributeNet,
    faces: LabelledFaces,
    *,
    epochs: int,
    seed: int,
    batch: int = 64,
    learning_rate: float = 2e-3,
) -> Iterator[float]:
    """Train ``net``, yielding the mean loss of each epoch."""
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=learning_rate, weight_decay=0.02)
    steps = len(faces.faces) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=steps * epochs
    )
    net.train()
    for _ in range(epochs):
        losses = []
        for chosen in rng.permutation(len(faces.faces))[: steps * batch].reshape(steps, batch):
            images = augment(faces.tensor(chosen), rng)
            with autocast("cpu"):
                outputs = net(images.contiguous(memory_format=torch.channels_last)).float()
            loss = loss_of(outputs, torch.from_numpy(faces.labels[chosen]))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        yield float(np.mean(losses))
    net.eval()


@torch.inference_mode()
def standardise(net: AttributeNet, real: LabelledFaces) -> None:
    """Fix the units of :meth:`AttributeNet.scores` to those of real faces."""
    starts = range(0, len(real.faces), 256)
    outputs = torch.cat([net(real.tensor(slice(start, start + 256))) for start in starts])
    net.deviation.copy_(outputs.std(0))
    net.mean.copy_(outputs.mean(0))


def quality(net: AttributeNet, faces: LabelledFaces) -> dict[str, float]:
    """Area under the ROC curve of each attribute; for the age, the correlation."""
    with torch.inference_mode():
        scores = net.scores(faces.tensor(slice(None))).numpy()
    found = {}
    for i, name in enumerate(net.names):
        known = ~np.isnan(faces.labels[:, i])
        score, label = scores[known, i], faces.labels[known, i]
        if name == AGE:
            found[name] = float(np.corrcoef(score, label)[0, 1]) if len(label) else math.nan
        else:
            found[name] = area_under_curve(score, label > 0.5)
    return {name: round(value, 3) for name, value in found.items()}


def area_under_curve(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative; NaN when either is absent."""
    count = int(positive.sum())
    rest = len(positive) - count
    if not count or not rest:
        return math.nan
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))


def teach(
    target: Path, celeba: Path, labels: Path, utk: Path,
    *, build: str = "plain", half_used: int = 0,
    epochs: int = 7, held_out: float = 0.1, seed: int = 0,
) -> AttributeNet:  # fmt: skip
    """Train on one half of both packed sets, write the network and its quality to ``target``."""
    torch.manual_seed(seed)
    real, names = load_celeba(celeba, labels)
    learn, measure = split(
        concatenate([half(part, half_used) for part in (real, load_utk(utk, names))]),
        held_out,
        seed,
    )
    net = AttributeNet(names, build).to(memory_format=torch.channels_last)
    began = time.perf_counter()
    for epoch, loss in enumerate(train(net, learn, epochs=epochs, seed=seed), start=1):
        seconds = time.perf_counter() - began
        print(f"epoch {epoch} of {epochs}: loss {loss:.4f}, {seconds:.0f} s", flush=True)
    standardise(net, real)
    facts = {"attributes": names, "build": build, "half": half_used, "seed": seed}
    facts |= {"epochs": epochs, "quality": quality(net, measure)}
    print(facts["quality"])
    save_weights(target, net.state_dict(), facts, dtype=torch.float32)
    return net
