"""Distil the likeness score that is shipped from a face-recognition network that is not.

``facemod train likeness`` runs this.

The pupil learns the teacher's embeddings of real faces and, because it will judge edits, how
alike the teacher finds real faces before and after random edits, decoded outright and carried
over to the photo. What the encoder sees in all these pictures is computed once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.fidelity.transfer import transfer
from facemod.files.digests import digest
from facemod.imaging.sheet import tile
from facemod.latent.codes import concatenate
from facemod.models.wavelet.encoder import RESOLUTION, Encoder
from facemod.models.wavelet.likeness import ENCODER, FaceFeatures, LikenessHead
from facemod.models.wavelet.model import WaveletModel, load
from facemod.tensors.pixels import to_pixels, to_tensor
from facemod.tensors.precision import autocast
from facemod.training.bundled.edits import EditDraws
from facemod.training.data import read_packed
from facemod.training.judges.identity import load_identity
from facemod.training.loop import Fabric, Moment, train
from facemod.training.settings import LikenessOptions, LoopOptions, Tell
from facemod.weights.files import filled, save_weights

RELEASE = "likeness.safetensors"
HELD_OUT = 1000  # faces
EDITS = 3  # of each face
PICTURES = 2 + 2 * EDITS  # the photo, its reconstruction, edits decoded, edits carried over
DECODED = 256  # px
PAIR_WEIGHT, EDIT_WEIGHT = 5.0, 10.0
PART = 50
WARMUP = 50  # steps

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Lessons:
    """What the encoder sees in N pictures, and the teacher's unit embeddings of them."""

    features: tuple[Tensor, ...]
    """Half precision: [N, 160, 14, 12] and [N, 224, 7, 6]."""
    targets: Tensor
    """[N, 128]."""

    def __len__(self) -> int:
        return len(self.targets)

    def at(self, chosen: NDArray[np.int64]) -> Lessons:
        """The chosen pictures, in full precision."""
        places = torch.from_numpy(chosen)
        return Lessons(tuple(x[places].float() for x in self.features), self.targets[places])

    def and_also(self, others: Lessons) -> Lessons:
        """Both, one after the other."""
        pairs = zip(self.features, others.features, strict=True)
        features = (torch.cat(pair).contiguous(memory_format=torch.channels_last) for pair in pairs)
        return Lessons(tuple(features), torch.cat((self.targets, others.targets)))


class Classroom:
    """The encoder and the teacher: they look at pictures once."""

    def __init__(self, teacher: Path) -> None:
        self.teacher = load_identity(teacher).to(memory_format=torch.channels_last)
        self.encoder = FaceFeatures(filled(Encoder(), ENCODER).eval())
        self.encoder.to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def lessons(self, pictures: Pixels) -> Lessons:
        """Lessons from pictures [N, 128, 128, 3]."""
        seen, told = [], []
        for first in range(0, len(pictures), PART):
            faces = to_tensor(list(pictures[first : first + PART]))
            faces = faces.contiguous(memory_format=torch.channels_last)
            with autocast("cpu"):
                seen.append([x.half() for x in self.encoder(faces)])
                told.append(F.normalize(self.teacher(faces)[0].float(), dim=-1))
        features = tuple(torch.cat(maps).clone() for maps in zip(*seen, strict=True))
        return Lessons(features, torch.cat(told).clone())


def edited(model: WaveletModel, faces: Pixels, rng: np.random.Generator) -> Pixels:
    """Each face [N, 128, 128, 3] and what became of it: [N * 8, 128, 128, 3].

    The photo, its reconstruction, three random edits decoded outright, and the same three
    carried over to the photo.
    """
    draws = EditDraws(model.mapping)
    made = [_edited(model, draws, face, rng) for face in faces]
    return np.stack([picture for pictures in made for picture in pictures])


@torch.inference_mode()
def _edited(
    model: WaveletModel, draws: EditDraws, face: Pixels, rng: np.random.Generator
) -> list[Pixels]:
    photo = to_tensor([face])
    photo = photo.flip(3) if rng.random() < 0.5 else photo
    large = F.interpolate(photo, (DECODED, DECODED), mode="bicubic").clamp(-1, 1)
    codes = model.encode(large)
    moved = [draws.draw(codes.styles, codes.styles, rng, always=True)[0] for _ in range(EDITS)]
    images = model.decode(concatenate([codes, *(replace(codes, styles=s) for s in moved)]), DECODED)
    photos, before = (x.expand(EDITS, -1, -1, -1) for x in (large, images[:1]))
    carried = (photos + transfer(photos, before, images[1:])).clamp(-1, 1)
    after = F.interpolate(torch.cat((images, carried)), (RESOLUTION, RESOLUTION), mode="area")
    return to_pixels(torch.cat((photo, after)))


@dataclass
class Distiller:
    """A task for :mod:`facemod.training.loop`. ``edits`` has 8 pictures of each face."""

    faces: Lessons
    edits: Lessons
    shown: Pixels
    facts: dict[str, Any]
    batch: int = 96
    pairs: int = 24
    learning_rate: float = 3e-3
    pupil: LikenessHead = field(default_factory=LikenessHead)

    def __post_init__(self) -> None:
        self.pupil.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.AdamW(
            self.pupil.parameters(), self.learning_rate, weight_decay=0.02
        )

    def step(self, moment: Moment) -> dict[str, Tensor]:
        """One optimiser step on faces, and on twice as many results as photos."""
        rng = moment.rng
        photos = PICTURES * rng.integers(0, len(self.edits) // PICTURES, self.pairs)
        results = [1 + rng.permutation(PICTURES - 1)[:2] for _ in photos]
        chosen = np.concatenate((photos, (photos[:, None] + results).T.flatten()))
        faces = self.faces.at(rng.integers(0, len(self.faces), self.batch))
        drawn = faces.and_also(self.edits.at(chosen))
        losses = distillation_losses(self.pupil(*drawn.features), drawn.targets, self.pairs)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * moment.rate(WARMUP)
        self.optimizer.zero_grad(set_to_none=True)
        sum(losses.values()).backward()
        self.optimizer.step()
        return {name: loss.detach() for name, loss in losses.items()}

    def state(self) -> dict[str, Any]:
        return {"pupil": self.pupil.state_dict(), "optimizer": self.optimizer.state_dict()}

    def resume(self, state: dict[str, Any]) -> None:
        self.pupil.load_state_dict(state["pupil"])
        self.optimizer.load_state_dict(state["optimizer"])

    def export(self, folder: Path) -> None:
        save_weights(folder / RELEASE, self.pupil.state_dict(), self.facts)

    def sheet(self) -> Pixels:
        """Some faces, and what became of them."""
        return tile(list(self.shown[: 4 * PICTURES]), columns=PICTURES, gap=2)


def distillation_losses(said: Tensor, targets: Tensor, pairs: int) -> dict[str, Tensor]:
    """What pupil embeddings [N, 128] lack of the teacher's.

    The last ``3 * pairs`` are photos and, twice, results in the same order.
    """

    def alike(embeddings: Tensor) -> Tensor:
        photos, *results = embeddings[-3 * pairs :].split(pairs)
        return torch.stack([(photos * result).sum(1) for result in results])

    return {
        "embedding": 1 - (said * targets).sum(1).mean(),
        "pairs": PAIR_WEIGHT * (said @ said.T - targets @ targets.T).square().mean(),
        "edits": EDIT_WEIGHT * (alike(said) - alike(targets)).square().mean(),
    }


@torch.inference_mode()
def agreement(pupil: LikenessHead, faces: Lessons, edits: Lessons) -> dict[str, float]:
    """How well pupil and teacher agree on faces that the pupil has not seen."""
    pupil = pupil.eval()

    def embeddings(lessons: Lessons) -> Tensor:
        parts = np.split(np.arange(len(lessons)), range(PART, len(lessons), PART))
        return torch.cat([pupil(*lessons.at(part).features) for part in parts])

    def strangers(said: Tensor) -> Tensor:
        rows, columns = torch.triu_indices(len(said), len(said), 1)
        return (said @ said.T)[rows, columns]

    def alike(said: Tensor) -> Tensor:
        photos = said.unflatten(0, (-1, PICTURES))
        return (photos[:, :1] * photos[:, 1:]).sum(2)

    known, results = embeddings(faces), embeddings(edits)
    same, truth = alike(results), alike(edits.targets)
    off = same - truth
    return {
        "embedding cosine": float((known * faces.targets).sum(1).mean()),
        "strangers": correlation(strangers(known), strangers(faces.targets)),
        "before and after": correlation(same, truth),
        "of these, reconstructions": correlation(same[:, 0], truth[:, 0]),
        "before and after, mean difference": float(off.mean()),
        "before and after, mean error": float(off.abs().mean()),
    }


def correlation(a: Tensor, b: Tensor) -> float:
    """Pearson's, of all numbers of two tensors of one shape."""
    return float(torch.corrcoef(torch.stack((a.flatten(), b.flatten())))[0, 1])


def distil(run: Path, options: LikenessOptions, tell: Tell) -> dict[str, float]:
    """Teach the pupil in the folder ``run``; how well it agrees with its teacher on held faces."""
    _, packed, _ = read_packed(options.faces)
    shuffled = packed[np.random.default_rng(0).permutation(len(packed))[: HELD_OUT + options.limit]]
    held, seen = shuffled[:HELD_OUT], shuffled[HELD_OUT:]
    model, classroom, rng = load(), Classroom(options.identity), np.random.default_rng(1)
    new = edited(model, held[: options.edits // 4], rng)
    known = edited(model, seen[: options.edits], rng)
    # The encoder's digest tells which features the pupil reads: it is of no use with others.
    facts = {"encoder": digest(ENCODER.read_bytes()), "faces": len(seen), "edits": options.edits}
    task = Distiller(classroom.lessons(seen), classroom.lessons(known), known, facts)

    def build(fabric: Fabric) -> Distiller:
        return task

    loop = LoopOptions(options.steps, options.minutes, device="cpu", precision="32-true")
    train(build, run, loop, tell)
    return agreement(task.pupil, classroom.lessons(held), classroom.lessons(new))
