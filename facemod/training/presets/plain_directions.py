"""Two plain, published ways to learn a direction from scored samples, to compare with.

The difference of the means of the faces that score highest and lowest, and a linear classifier
between them, whose normal is the direction (InterFaceGAN, Shen et al. 2020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.training.judges.judge import Judge
from facemod.training.presets.studio import Studio

ENDS = 0.1  # the part of the samples at each end that is compared


def mean_difference(styles: Tensor, scores: Tensor) -> Tensor:
    """Mean style [dim] of the faces that score highest, less that of the lowest."""
    order = scores.argsort()
    count = max(2, round(ENDS * len(order)))
    return styles[order[-count:]].mean(0) - styles[order[:count]].mean(0)


def classifier_normal(styles: Tensor, scores: Tensor) -> Tensor:
    """Normal [dim] of a linear support vector machine between the two ends of the scores."""
    order = scores.argsort()
    count = max(2, round(ENDS * len(order)))
    x = torch.cat([styles[order[-count:]], styles[order[:count]]])
    spread = x.std()
    x = (x - x.mean(0)) / spread
    y = torch.cat([torch.ones(count), -torch.ones(count)])
    normal = torch.zeros(x.shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([normal], lr=0.01)
    for _ in range(500):
        loss = F.relu(1 - y * (x @ normal)).square().mean() + 1e-3 * normal.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return normal.detach()


@torch.inference_mode()
def scored_samples(studio: Studio, teacher: Judge, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random styles [count, dim] and what the teacher sees on them, [count, still]."""
    styles = studio.styles(count, truncation=1.0, seed=seed)
    scores = [teacher.scores(studio.render(part)) for part in styles.split(50)]
    return styles[:, 0], torch.cat(scores)
