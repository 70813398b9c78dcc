"""Paint: find the face that explains rough strokes, after the Neural Photo Editor.

Brock et al. 2017 (arXiv 1609.07093): strokes on a picture become a gradient that moves the
latent, so that the model redraws the face as the strokes suggest, and only the change is carried
back. Here the latent is the styles, and it moves along the principal axes of natural styles,
measured in standard deviations: what natural faces do not do is dear. Each step draws a window
around the strokes and one other part of the picture, which must stay as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.latent.codes import Codes
from facemod.models.base import WindowModel
from facemod.models.windows import CROP, FEATURES_SIDE, Window, window_around
from facemod.tensors.blur import gaussian_blur, smoothstep

# Finding strokes: differences, blurred by a part of the side, on the scale of 0..1.
NOISE_BLUR = 0.006
FAINTEST = 0.02
ABOVE_NOISE = 4.0
# How far around strokes their change stays whole, and the blur by which it fades, as parts of the
# side: on the person, who must not end where the stroke does, and on what is behind the person.
ON_PERSON = (0.03, 0.033)
BEHIND = (0.0, 0.012)
FADE_STARTS, FADE_FULL = 0.05, 0.75
# How far from a person strokes still mean the person (longer hair, a hat).
MEANT = (0.10, 0.02)
# Comparing: sides at which the picture is compared, and what counts how much.
SIDES = (16, 64)
KEPT_SIDE = 128
KEEP = 1.0
FEATURES = 0.05
SHARED_PRIOR, SLOT_PRIOR = 1e-4, 5e-4
# The search stays on so many of the longest axes: along the others pictures soon lose texture.
AXES = 64
RATE = 0.05

TILES = [
    Window(top, left)
    for top in range(0, FEATURES_SIDE, CROP)
    for left in range(0, FEATURES_SIDE, CROP)
]

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Strokes:
    """What was painted on an aligned face."""

    change: Tensor
    """[1, 3, S, S]: painted minus original, for images in [-1, 1]; 0 where nothing was painted."""
    mask: Tensor
    """[1, 1, S, S] in 0..1: where something was painted."""
    allowed: Tensor
    """[1, 1, S, S] in 0..1: where the face may change."""
    person: Tensor
    """[1, 1, S, S] in 0..1: where somebody is."""

    @property
    def region(self) -> Tensor:
        """[1, 1, S, S] in 0..1: the strokes and what lies close around them and may change.

        It fades softly, whatever the strokes' shape, and reaches further on the person than on
        the background, which a stroke on the face must not colour.
        """
        near, close = (surroundings(self.mask, *reach) for reach in (ON_PERSON, BEHIND))
        return self.allowed * torch.maximum(self.person * near, close)


def surroundings(mask: Tensor, whole: float, fade: float) -> Tensor:
    """A mask [1, 1, S, S] grown by ``whole``, fading by a blur of ``fade``, parts of the side."""
    reach = round(whole * mask.shape[-1])
    grown = F.max_pool2d(mask, (2 * reach + 1, 1), 1, (reach, 0))
    grown = F.max_pool2d(grown, (1, 2 * reach + 1), 1, (0, reach))
    return smoothstep(gaussian_blur(grown, fade), FADE_STARTS, FADE_FULL)


def find_strokes(
    original: Tensor, painted: Tensor, allowed: Tensor, person: Tensor
) -> Strokes | None:
    """Where and how two aligned faces [1, 3, S, S] in [-1, 1] differ; None if they do not.

    Only where the face may change, ``allowed`` [1, 1, S, S] in 0..1, and on or near ``person``,
    where somebody is, likewise.
    """
    mask = allowed * surroundings(person, *MEANT) * painted_over(original, painted)
    if float(mask.max()) < 0.5:
        return None
    return Strokes((painted - original) * mask, mask, allowed, person)


def painted_over(original: Tensor, painted: Tensor) -> Tensor:
    """Where pictures [1, 3, H, W] in [-1, 1] differ: [1, 1, H, W] in 0..1, a little too wide.

    They are square, or no wider than 512 px.

    Re-encoding changes every pixel a little and at random: its blurred size is measured on the
    pictures themselves, and only differences clearly above it count.
    """
    size = gaussian_blur((painted - original) / 2, NOISE_BLUR).abs().amax(1, keepdim=True)
    threshold = max(FAINTEST, ABOVE_NOISE * float(size.median()))
    return smoothstep(size, threshold, 2 * threshold)


def explain(
    model: WindowModel, codes: Codes, strokes: Strokes, *, steps: int, progress: Progress
) -> Codes:
    """Codes of one face whose picture shows the strokes and is otherwise the same face.

    ``progress`` is called after each of the ``steps``.
    """
    axes = model.style_axes[:AXES].clone()
    styles = codes.styles.to(axes).clone()
    loss = StrokeLoss(model, codes, strokes)
    shared = axes.new_zeros(1, 1, len(axes), requires_grad=True)
    slots = axes.new_zeros(1, styles.shape[1], len(axes), requires_grad=True)
    optimiser = torch.optim.Adam([shared, slots], lr=RATE, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps + 1)
    for step in range(steps):
        moved = styles + (shared + slots) @ axes
        prior = SHARED_PRIOR * shared.square().sum() + SLOT_PRIOR * slots.square().sum()
        optimiser.zero_grad()
        (loss(moved, step) + prior).backward()
        optimiser.step()
        schedule.step()
        progress(step + 1)
    return codes.shifted(((shared + slots) @ axes).detach())


class StrokeLoss:
    """How far the picture of some styles is from the painted one.

    Around the strokes it is compared with what was painted; elsewhere, at one place after the
    other, with what the face looked like.
    """

    def __init__(self, model: WindowModel, codes: Codes, strokes: Strokes) -> None:
        self.draw = model.window_drawer(codes)
        with torch.no_grad():
            self.features, _ = self.draw(codes.styles.to(model.device).clone(), [])
            drawn = model.decode(codes).clone()
        side = drawn.shape[-1]
        mask, change, region = (
            F.interpolate(t.to(drawn), (side, side), mode="bilinear", align_corners=False)
            for t in (strokes.mask, strokes.change, strokes.region)
        )
        near = F.adaptive_max_pool2d(region, FEATURES_SIDE)
        self.window = window_around(near[0, 0] > 0.05)
        sides = (self._part(drawn + change), self._part(mask))
        self.scales = [
            (factor, *(pooled(part, factor) for part in sides))
            for factor in (max(1, side // s) for s in SIDES)
        ]
        self.kept, self.elsewhere, self.pool = drawn, 1 - region, max(1, side // KEPT_SIDE)
        self.places = [w for w in TILES if float(w.of(near).mean()) < 0.5] or [self.window]
        self.outside = (1 - near) / self.features.square().mean()

    def _part(self, images: Tensor) -> Tensor:
        return self.window.inner(self.window.of(images))

    def __call__(self, styles: Tensor, step: int) -> Tensor:
        place = self.places[step % len(self.places)]
        features, (drawn, other) = self.draw(styles, [self.window, place])
        strayed = (self.outside * (features - self.features).square()).mean()
        around = self.window.inner(drawn)
        explained = sum(
            weighted_distance(pooled(around, factor), target, weight)
            for factor, target, weight in self.scales
        )
        kept = weighted_distance(
            *(
                pooled(place.inner(part), self.pool)
                for part in (other, place.of(self.kept), place.of(self.elsewhere))
            )
        )
        return explained + KEEP * kept + FEATURES * strayed


def pooled(images: Tensor, factor: int) -> Tensor:
    """Images [N, C, H, W] averaged over squares of ``factor`` px, or what there is of them."""
    return F.avg_pool2d(images, min(factor, *images.shape[-2:]))


def weighted_distance(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of images [1, 3, H, W] where ``weight`` [1, 1, H, W] is."""
    return (weight * (a - b).abs().mean(1, keepdim=True)).sum() / weight.sum().clamp_min(1e-3)
