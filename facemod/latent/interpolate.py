"""Walking between codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.errors import UsageError
from facemod.latent.codes import Codes

SMALLEST_SINE = 1e-4

EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: t * t * (3 - 2 * t),
    "slow": lambda t: t**3 * (t * (6 * t - 15) + 10),
}


def between(a: Codes, b: Codes, t: float) -> Codes:
    """The codes a fraction ``t`` of the way from ``a`` (0) to ``b`` (1).

    The wavelet decoder's w is a flat space, so straight lines are the right path (Karras et
    al. 2019, section 4.1); latents on a sphere are joined by arcs. Details of ``a`` fade out
    while those of ``b`` fade in.
    """
    a.check_same_space(b)
    path = slerp if a.geometry == "sphere" else torch.lerp
    fading = [entry.scaled(1 - t) for entry in a.details]
    rising = [entry.scaled(t) for entry in b.details]
    styles = path(a.styles, b.styles.to(a.styles), t)
    return replace(a, styles=styles, details=(*fading, *rising))


def slerp(a: Tensor, b: Tensor, t: float) -> Tensor:
    """A fraction ``t`` of the arc from ``a`` to ``b`` [..., D] (Shoemake 1985).

    Points that (almost) coincide, or lie opposite each other, have no one arc: straight line.
    """
    cosine = F.cosine_similarity(a, b, dim=-1).clamp(-1, 1)[..., None]
    angle = torch.arccos(cosine)
    sine = torch.sin(angle)
    bent = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / sine
    return torch.where(sine > SMALLEST_SINE, bent, torch.lerp(a, b, t))


@dataclass(frozen=True)
class Step:
    """One frame of a walk along a chain of faces: between face ``leg`` and the next one."""

    leg: int
    t: float


def walk(faces: int, frames: int, *, ease: str = "smooth", loop: bool = False) -> Iterator[Step]:
    """The frames of a walk through ``faces`` faces; every leg starts and ends exactly on a face.

    Args:
        faces: how many faces the chain visits, at least 2.
        frames: frames of the whole walk, at least one more than there are legs.
        ease: how speed changes within a leg, a key of :data:`EASINGS`.
        loop: come back to the first face; its last frame is left out, because the player shows
            the first one next.

    Raises:
        UsageError: an unknown easing, or too few faces or frames.
    """
    if ease not in EASINGS:
        raise UsageError(f"--ease {ease}: unknown; choose one of {', '.join(EASINGS)}")
    if faces < 2:
        raise UsageError("a morph needs at least two faces")
    legs = faces if loop else faces - 1
    if frames < legs + 1:
        raise UsageError(f"{frames} frames are too few for {legs} legs; raise --seconds or --fps")
    intervals = frames if loop else frames - 1
    # Whole frames per leg, so that each face is met exactly.
    bounds = [round(leg * intervals / legs) for leg in range(legs + 1)]
    for leg in range(legs):
        length = bounds[leg + 1] - bounds[leg]
        for i in range(length):
            yield Step(leg, EASINGS[ease](i / length))
    if not loop:
        yield Step(legs - 1, 1.0)
