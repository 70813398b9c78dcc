"""How far brows, eyes and mouth of a picture are from a photo's: where a face has its expression.

An identity network learns to look past expressions, and pixels say little of an eyelid. The
segmenter of named regions knows eyes and mouths by their outlines, so a search that watches it
keeps a closed mouth closed and an open eye open.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.faces.region_names import CLASSES
from facemod.faces.regions import Segmenter

PARTS = tuple(CLASSES.index(name) for name in ("brows", "eyes", "mouth"))
AROUND = 9  # px at 128 px: what lies this near counts as part of it
FEWEST = 20  # px: two parts that are hardly seen differ little
# Where parts of an aligned face can be, at 128 px; elsewhere are neighbours and mirrored borders.
ROWS, COLUMNS = slice(40, 114), slice(24, 104)


def part_loss(segmenter: Segmenter, images: Tensor, photos: Tensor) -> Tensor:
    """The mean over N faces [N, 3, 128, 128] in [-1, 1] of how their parts differ, 0 if nowhere.

    Outlines count as one minus a Dice coefficient (Milletari et al. 2016, V-Net), and what the
    segmenter sees around them as a relative L1 distance of its features.
    """
    with torch.no_grad():
        wanted_features, wanted = seen(segmenter, photos)
    features, there = seen(segmenter, images)
    apart = (there - wanted).abs().sum((2, 3))
    outlines = apart / (there.sum((2, 3)) + wanted.sum((2, 3)) + FEWEST)
    near = torch.maximum(there.detach(), wanted).amax(1, keepdim=True)
    near = F.max_pool2d(near, AROUND, 1, AROUND // 2)
    return outlines.mean() + feature_distance(features, wanted_features, near)


def seen(segmenter: Segmenter, faces: Tensor) -> tuple[Sequence[Tensor], Tensor]:
    """The segmenter's features of faces, and how likely each pixel is a part: [N, 3, 128, 128]."""
    features = segmenter.pyramid(faces)
    likely = segmenter.out(features[-1]).softmax(1)[:, PARTS]
    inside = torch.zeros_like(likely[:1, :1])
    inside[..., ROWS, COLUMNS] = 1
    return features, likely * inside


def feature_distance(got: Sequence[Tensor], wanted: Sequence[Tensor], near: Tensor) -> Tensor:
    """The mean difference of feature maps, of their size, where ``near`` [N, 1, S, S] says."""
    total = near.new_zeros(())
    for mine, theirs in zip(got, wanted, strict=True):
        here = F.adaptive_avg_pool2d(near, theirs.shape[2:])
        apart = ((mine - theirs).abs() * here).mean((1, 2, 3)) / (here.mean((1, 2, 3)) + 1e-6)
        total = total + (apart / (theirs.abs().mean((1, 2, 3)) + 1e-3)).mean()
    return total / len(wanted)
