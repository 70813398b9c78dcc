"""How parts of a face move between two pictures of it, without a landmark network.

Faces are aligned, so each part stays in its box. Within a box the change of brightness is
explained by a smooth motion (Lucas and Kanade 1981): a shift, stretches and a bend, beside a
change of light. That is exact enough for the small motions of an edit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 128
# Left, top, right, bottom in px of the 128 px FFHQ square. Left is the picture's left.
BOXES = {
    "left-brow": (34, 44, 60, 57),
    "right-brow": (68, 44, 94, 57),
    "left-eye": (37, 54, 59, 67),
    "right-eye": (69, 54, 91, 67),
    "nose": (48, 64, 80, 88),
    "mouth": (44, 85, 84, 108),
    "jaw": (26, 66, 102, 120),
}
# What the coefficients of a box stand for: motion to the right, motion down, then light.
SHIFT_X, STRETCH_X, SHIFT_Y, STRETCH_Y, SLANT, BEND = range(6)
MOTIONS = (
    "brow-height", "brow-slant", "eye-open", "mouth-curve", "mouth-width", "lip-height",
    "nose-width", "nose-length", "face-width", "yaw", "pitch",
)  # fmt: skip
FIRMNESS = 1e-3  # ridge, as a part of the mean square of the gradients


def motions(before: Tensor, after: Tensor) -> Tensor:
    """What moved from ``before`` to ``after`` [N, 3, 128, 128] -> [N, motions].

    In px of the 128 px square; stretches at the border of the part's box. Heights upwards, the
    slant positive where the inner ends of the brows go down, the curve where the mouth's corners
    go up, yaw where the nose moves to the picture's right against eyes and mouth, pitch where
    it moves up against them.
    """
    flow = {name: box_motion(before, after, box) for name, box in BOXES.items()}
    brows = (flow["left-brow"] + flow["right-brow"]) / 2
    eyes = (flow["left-eye"] + flow["right-eye"]) / 2
    slant = (flow["left-brow"][:, SLANT] - flow["right-brow"][:, SLANT]) / 2
    frame = (eyes + flow["mouth"]) / 2
    found = (
        eyes[:, SHIFT_Y] - brows[:, SHIFT_Y],
        slant,
        eyes[:, STRETCH_Y],
        -flow["mouth"][:, BEND],
        flow["mouth"][:, STRETCH_X],
        flow["mouth"][:, STRETCH_Y],
        flow["nose"][:, STRETCH_X],
        flow["nose"][:, STRETCH_Y],
        flow["jaw"][:, STRETCH_X],
        flow["nose"][:, SHIFT_X] - frame[:, SHIFT_X],
        frame[:, SHIFT_Y] - flow["nose"][:, SHIFT_Y],
    )
    return torch.stack(found, dim=1)


def box_motion(before: Tensor, after: Tensor, box: tuple[int, int, int, int]) -> Tensor:
    """The six motion coefficients [N, 6] within one box, by least squares."""
    left, top, right, bottom = box
    light = [_softened(images)[:, top - 1 : bottom + 1, left - 1 : right + 1]
             for images in (before, after)]  # fmt: skip
    middle = (light[0] + light[1]) / 2
    gradient_x = (middle[:, 1:-1, 2:] - middle[:, 1:-1, :-2]) / 2
    gradient_y = (middle[:, 2:, 1:-1] - middle[:, :-2, 1:-1]) / 2
    y, x = torch.meshgrid(
        torch.linspace(-1, 1, bottom - top), torch.linspace(-1, 1, right - left), indexing="ij"
    )
    change = (light[1] - light[0])[:, 1:-1, 1:-1]
    # A motion by v changes the brightness at a fixed place by -gradient * v.
    moving = [gradient_x, gradient_x * x, *(gradient_y * part for part in (1, y, x, x * x))]
    lighting = [torch.ones_like(change), x.expand_as(change), middle[:, 1:-1, 1:-1]]
    basis = torch.stack([*(-part for part in moving), *lighting], dim=1).flatten(2)
    gram = basis @ basis.transpose(1, 2)
    scale = FIRMNESS * gram.diagonal(dim1=1, dim2=2).mean(1)
    gram = gram + scale[:, None, None] * torch.eye(gram.shape[1])
    return torch.linalg.solve(gram, basis @ change.flatten(1)[:, :, None])[:, :6, 0]


def _softened(images: Tensor) -> Tensor:
    light = images.mean(1, keepdim=True)
    padded = F.pad(light, (2, 2, 2, 2), mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, 3, 1), 3, 1)[:, 0]
