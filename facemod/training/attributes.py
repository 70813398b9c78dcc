"""A small network that tells the attributes of a face, taught by CelebA and UTKFace.

    python -m facemod.training.attributes attributes.safetensors \\
        --celeba celeba.npz --labels celeba-attributes.csv --utk utk.npz

It is a measuring instrument for training and evaluation, and not shipped. It looks at 64 px, at
which CelebA's soft pictures and the decoder's sharp ones look alike.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facemod.errors import InputError
from facemod.models.weights import fill, load_weights, save_weights
from facemod.pipeline import to_tensor
from facemod.training.data import read_packed

RESOLUTION = 64
WIDTHS = (32, 64, 128, 192)  # channels at 32, 16, 8 and 4 px
AGE = "Age"
MALE = "Male"
# Ages enter the loss as (years - 35) / 20, so that they weigh about as much as a yes or no.
AGE_CENTRE, AGE_SCALE = 35.0, 20.0
MAX_SHIFT = 3  # px of random translation while training


class AttributeNet(nn.Module):
    """Aligned faces -> one number per attribute: logits for CelebA's words, and the age.

    ``mean`` and ``deviation`` are those of the outputs over real faces.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = names
        layers: list[nn.Module] = []
        for c_in, c_out in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [*_layer(c_in, c_out, stride=2), *_layer(c_out, c_out)]
        self.features = nn.Sequential(*layers)
        self.hidden = nn.Linear(WIDTHS[-1] * 16, 256)
        self.outputs = nn.Linear(256, len(names))
        self.register_buffer("mean", torch.zeros(len(names)))
        self.register_buffer("deviation", torch.ones(len(names)))

    def forward(self, faces: Tensor) -> Tensor:
        """Faces [N, 3, 64, 64] in [-1, 1] -> outputs [N, attributes]."""
        x = F.dropout(self.features(faces).flatten(1), 0.3, self.training)
        return self.outputs(F.relu(self.hidden(x)))

    @torch.inference_mode()
    def scores(self, faces: Tensor) -> Tensor:
        """Faces [N, 3, S, S] in [-1, 1] -> [N, attributes], in deviations of real faces."""
        batches = reduced(faces).split(256)
        return (torch.cat([self(batch) for batch in batches]) - self.mean) / self.deviation


def _layer(c_in: int, c_out: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]


def reduced(faces: Tensor) -> Tensor:
    """Faces [N, 3, S, S] at the 64 px that the network looks at."""
    return F.interpolate(faces, (RESOLUTION, RESOLUTION), mode="area")


@dataclass(frozen=True)
class LabelledFaces:
    """Faces uint8 [N, 64, 64, 3] with labels [N, attributes]; NaN where a label is unknown."""

    faces: NDArray[np.uint8]
    labels: NDArray[np.float32]

    def tensor(self, chosen: NDArray[np.int64] | slice) -> Tensor:
        """Chosen faces [N, 3, 64, 64] in [-1, 1]."""
        return to_tensor(self.faces[chosen])


def load_celeba(packed: Path, table: Path) -> tuple[LabelledFaces, tuple[str, ...]]:
    """CelebA faces with their 40 attributes as 0 or 1 (and no age), and the attributes' names."""
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    known = {row[0]: [float(cell) for cell in row[1:]] + [math.nan] for row in rows}
    names, faces = load_packed(packed)
    missing = [name for name in names if name not in known]
    if missing:
        raise InputError(f"{table}: has no attributes of {missing[0]} and {len(missing) - 1} more")
    labels = np.array([known[name] for name in names], np.float32)
    return LabelledFaces(faces, labels), (*header[1:], AGE)


def load_utk(packed: Path, attributes: tuple[str, ...]) -> LabelledFaces:
    """UTKFace faces: only sex and age are known. Files without both in their names are left out."""
    names, faces = load_packed(packed)
    labels = np.full((len(names), len(attributes)), math.nan, np.float32)
    for label, name in zip(labels, names, strict=True):
        age, sex, *_ = name.split("_")
        if age.isdigit() and sex in ("0", "1"):
            label[attributes.index(AGE)] = (float(age) - AGE_CENTRE) / AGE_SCALE
            label[attributes.index(MALE)] = 1 - int(sex)
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
            with torch.autocast("cpu", torch.bfloat16):
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


def load(path: Path) -> AttributeNet:
    """A trained network from its file."""
    state, config = load_weights(path)
    net = AttributeNet(tuple(config["attributes"])).eval()
    fill(net, state, path)
    return net


def main() -> None:
    """Train, report the quality on held-out faces, write the network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    parser.add_argument("--celeba", type=Path, required=True, help="packed faces")
    parser.add_argument("--labels", type=Path, required=True, help="CSV of CelebA's attributes")
    parser.add_argument("--utk", type=Path, required=True, help="packed faces")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--held-out", type=float, default=0.1, help="fraction to measure on")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    build(args.target, args.celeba, args.labels, args.utk,
          epochs=args.epochs, held_out=args.held_out, seed=args.seed)  # fmt: skip


def build(
    target: Path, celeba: Path, labels: Path, utk: Path,
    *, epochs: int = 12, held_out: float = 0.1, seed: int = 0,
) -> AttributeNet:  # fmt: skip
    """Train on both packed sets, write the network to ``target`` with its measured quality."""
    torch.manual_seed(seed)
    real, names = load_celeba(celeba, labels)
    learn, measure = split(concatenate([real, load_utk(utk, names)]), held_out, seed)
    net = AttributeNet(names).to(memory_format=torch.channels_last)
    began = time.perf_counter()
    for epoch, loss in enumerate(train(net, learn, epochs=epochs, seed=seed), start=1):
        seconds = time.perf_counter() - began
        print(f"epoch {epoch} of {epochs}: loss {loss:.4f}, {seconds:.0f} s", flush=True)
    standardise(net, real)
    facts = {"attributes": names, "quality": quality(net, measure), "seed": seed, "epochs": epochs}
    print(facts["quality"])
    save_weights(target, net.state_dict(), facts, dtype=torch.float32)
    return net


if __name__ == "__main__":
    main()
