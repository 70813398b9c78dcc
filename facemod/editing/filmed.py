"""One face in consecutive frames of a film: its pictures before and after an edit.

Their codes change slowly, so every second pair of pictures is mostly made of its neighbours. What
the photo itself is, and where it goes back to, is each frame's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from facemod.editing.corridor import (
    EditedFace,
    Places,
    Redrawing,
    carried_over,
    drawn,
    redrawings,
    window_of,
)
from facemod.editing.editor import EncodedFace
from facemod.editing.inbetween import batch_on, walked
from facemod.fidelity.ladder import Fidelity
from facemod.latent.edits import Edit
from facemod.models.base import Drawn


def redrawn_in_order(
    faces: Sequence[EncodedFace], edit: Edit, fidelity: Fidelity, asked: Places | None
) -> Iterator[EditedFace]:
    """One face in consecutive frames, at one size, after the edit of its codes; without scores.

    ``asked`` is as in :func:`facemod.editing.corridor.redraw`.
    """
    ways = in_one_window(redrawings(faces, [edit] * len(faces), fidelity, asked))
    pairs = Pairs(ways)
    walk = walked(pairs.drawn, len(ways), batch_on(faces[0].model.device))
    for one, pair in zip(ways, walk, strict=True):
        yield from carried_over([one], *pairs.apart(pair), fidelity, scored=False)


def in_one_window(ways: Sequence[Redrawing]) -> list[Redrawing]:
    """The same with one window for all, which holds all places."""
    places = [one.place for one in ways if one.place is not None]
    window = window_of(torch.cat(places).amax(0, keepdim=True)) if places else None
    return [one._replace(window=window) for one in ways]


@dataclass
class Pairs:
    """Pictures before and after as rows of numbers, which can be weighed against each other."""

    ways: Sequence[Redrawing]
    shapes: list[torch.Size] = field(default_factory=list)
    """Of what there is in a row."""

    def drawn(self, places: Sequence[int]) -> Tensor:
        """The pairs [N, L] at some places."""
        before, after = drawn([self.ways[place] for place in places])
        parts = (*before, *after)
        self.shapes = [part.shape[1:] for part in parts]
        return torch.cat([part.flatten(1) for part in parts], dim=1)

    def apart(self, pair: Tensor) -> tuple[Drawn, Drawn]:
        """The pictures of one pair [1, L]."""
        lengths = [shape.numel() for shape in self.shapes]
        parts = [
            part.reshape(1, *shape)
            for part, shape in zip(pair.split(lengths, dim=1), self.shapes, strict=True)
        ]
        images, persons = parts[::2], [person.clamp(0, 1) for person in parts[1::2]]
        before, after = map(Drawn, images, persons)
        return before, after
