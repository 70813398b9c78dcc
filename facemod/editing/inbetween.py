"""In-betweens: pictures of a walk that need not be drawn, because their neighbours tell them.

Where a walk goes slowly, every second picture is a weighted sum of the two before and the two
after it (Lagrange's cubic). Where it goes too fast for that, all are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

# How far a cubic may be from a straight line, on average over the picture, on the scale of 0..255:
# pictures drawn are about as far from the cubic.
CURVED = 0.2

# So far back pictures are looked at again: at the end of a walk there are none ahead.
REACH = 5
BATCH = 8  # pictures that a GPU draws at a time

Draw = Callable[[Sequence[int]], Tensor]
"""Draws the pictures [N, 3, S, S] in [-1, 1] of N places of a walk."""


def batch_on(device: torch.device) -> int:
    """How many pictures are drawn at a time."""
    return BATCH if device.type == "cuda" else 1


def walked(draw: Draw, count: int, batch: int = 1) -> Iterator[Tensor]:
    """The pictures [1, 3, S, S] of all ``count`` places of a walk, in order.

    Every second is drawn, ``batch`` at a time, as late as possible, and so are those between them
    where the walk is too fast.
    """
    keys = [*range(0, count - 1, 2), count - 1]
    drawn: dict[int, Tensor] = {}

    def picture(place: int) -> Tensor:
        if place not in drawn:
            places = [key for key in keys if key >= place and key not in drawn][:batch]
            drawn.update(zip(places, draw(places).split(1), strict=True))
        return drawn[place]

    for place in range(count):
        for passed in [key for key in drawn if key < place - REACH]:
            del drawn[passed]
        if place in keys:
            yield picture(place)
            continue
        near = sorted(keys, key=lambda key: abs(key - place))[:4]
        straight = torch.lerp(picture(place - 1), picture(place + 1), 0.5)
        between = sum(w * picture(key) for key, w in cubic(near, place).items())
        curved = float((between - straight).abs().mean()) * 127.5
        yield between.clamp(-1, 1) if curved < CURVED else draw([place])


def cubic(places: Sequence[int], at: int) -> dict[int, float]:
    """How much each of some places counts ``at`` another, for the polynomial through all."""
    weights = dict.fromkeys(places, 1.0)
    for place in places:
        for other in places:
            if other != place:
                weights[place] *= (at - other) / (place - other)
    return weights
