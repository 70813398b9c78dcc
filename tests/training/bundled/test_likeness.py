"""Distilling the likeness score."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from facemod.models.wavelet.likeness import LikenessHead
from facemod.training.bundled.likeness import (
    PICTURES,
    Distiller,
    Lessons,
    agreement,
    distillation_losses,
)
from facemod.training.loop import Moment


def lessons(count: int) -> Lessons:
    """Random features, and targets that one of their channels decides."""
    torch.manual_seed(count)
    features = (torch.randn(count, 160, 14, 12), torch.randn(count, 224, 7, 6))
    targets = F.normalize(features[1][:, :128].mean((2, 3)), dim=-1)
    return Lessons(tuple(x.half() for x in features), targets)


def test_a_pupil_that_says_what_the_teacher_says_has_nothing_to_learn() -> None:
    targets = F.normalize(torch.randn(20, 128), dim=-1)
    losses = distillation_losses(targets, targets, pairs=4)
    assert {name: float(loss) for name, loss in losses.items()} == pytest.approx(
        {"embedding": 0, "pairs": 0, "edits": 0}, abs=1e-5
    )


def test_edits_are_compared_with_their_own_photos() -> None:
    photos, others = torch.eye(128)[:2], torch.eye(128)[2:4]
    targets = torch.cat((photos, photos, others))  # the first results are the photos
    swapped = torch.cat((photos, photos.flip(0), others))
    assert float(distillation_losses(swapped, targets, 2)["edits"]) == pytest.approx(10 / 2)
    assert float(distillation_losses(targets, targets, 2)["edits"]) == 0


def test_a_pupil_learns() -> None:
    torch.manual_seed(0)
    known = lessons(2 * PICTURES)
    task = Distiller(known, known, np.zeros((0, 8, 8, 3), np.uint8), {}, batch=8, pairs=2)
    before = agreement(task.pupil, known, known)["embedding cosine"]
    task.pupil.train()
    for step in range(60):
        losses = task.step(Moment(step, step / 60, np.random.default_rng(step)))
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert agreement(task.pupil, known, known)["embedding cosine"] > before + 0.3
    assert isinstance(task.pupil, LikenessHead)
