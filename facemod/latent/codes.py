"""Codes: the latent of one or more faces, and what its slots mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import Tensor

from facemod.errors import UsageError


class Scale(str, Enum):
    """The three ranges of scales of the automodulator paper (Heljakka et al. 2020)."""

    COARSE = "coarse"
    MID = "mid"
    FINE = "fine"


# The largest output resolution, in px, that still belongs to each range.
SCALE_LIMITS = {Scale.COARSE: 8, Scale.MID: 64, Scale.FINE: 1 << 30}


def scale_of(resolution: int) -> Scale:
    """The range that a layer of ``resolution`` px belongs to."""
    return next(scale for scale, limit in SCALE_LIMITS.items() if resolution <= limit)


def slots_of(scale: Scale, resolutions: Sequence[int], family: str) -> tuple[int, ...]:
    """The slots of a ``family`` model that act at ``scale``; UsageError if there are none."""
    if len(resolutions) == 1:
        raise UsageError(
            f"a {family} model has one latent for all scales and cannot mix them; it can edit, "
            "morph, sample, reconstruct and align. To mix scales use an automodulator, for "
            "example --model bundled"
        )
    slots = tuple(i for i, r in enumerate(resolutions) if scale_of(r) is scale)
    if not slots:
        raise UsageError(f"this model has no {scale.value} scales: it ends at {resolutions[-1]} px")
    return slots


@dataclass(frozen=True)
class Details:
    """What the styles of N photos could not hold: small maps beside them.

    ``maps`` [N, C, S, S] act at S px. ``styles`` [N, slots, dim] are those that the photos were
    encoded to, whatever has been edited since: they tell the decoder what the maps add to.
    ``weights`` [N] say how much of each map shows, 0 to 1, and ``yielding`` [N] how readily it
    gives way where an edit changes the face, 1 as usual. ``fitted`` [N, F] is what was learnt from
    one photo alone, in the model's own terms; rows of zeros stand for nothing.
    """

    maps: Tensor
    styles: Tensor
    weights: Tensor
    yielding: Tensor
    fitted: Tensor | None = None

    @classmethod
    def of(cls, maps: Tensor, styles: Tensor) -> Details:
        """Maps that show fully, of photos that were encoded to ``styles``."""
        ones = styles.new_ones(len(styles))
        return cls(maps, styles, ones, ones)

    def __getitem__(self, faces: slice) -> Details:
        return self.each(lambda tensor: tensor[faces])

    def to(self, device: torch.device | str) -> Details:
        """The same on a device."""
        return self.each(lambda tensor: tensor.to(device))

    def expanded(self, faces: int) -> Details:
        """Those of a single face repeated for ``faces`` faces."""
        return self.each(lambda tensor: tensor.expand(faces, *tensor.shape[1:]))

    def each(self, change: Callable[[Tensor], Tensor]) -> Details:
        """The same change made to every tensor; all have one entry for each face."""
        return Details(
            maps=change(self.maps),
            styles=change(self.styles),
            weights=change(self.weights),
            yielding=change(self.yielding),
            fitted=None if self.fitted is None else change(self.fitted),
        )

    def scaled(self, factor: float) -> Details:
        """The same maps showing ``factor`` times as much."""
        return replace(self, weights=self.weights * factor)


@dataclass(frozen=True)
class Codes:
    """Styles [N, slots, dim] of N faces, with the facts needed to read them.

    ``family`` names the model family that made them: codes of different families never mix.
    ``resolutions`` holds, for each slot, the output resolution in px that the slot acts on.
    ``details`` holds what encoded photos show beyond their styles, one entry for each photo that
    shines through: none for samples, two half way between two photos.
    ``geometry`` says how to walk between styles: ``flat`` in straight lines, ``sphere`` along arcs.
    """

    styles: Tensor
    family: str
    resolutions: tuple[int, ...]
    details: tuple[Details, ...] = ()
    geometry: str = "flat"

    def __post_init__(self) -> None:
        if self.styles.ndim != 3 or self.styles.shape[1] != len(self.resolutions):
            raise ValueError(
                f"styles {tuple(self.styles.shape)} do not match {len(self.resolutions)} slots"
            )

    def __len__(self) -> int:
        return len(self.styles)

    def __getitem__(self, index: int | slice) -> Codes:
        """The codes of one face (still a batch, of one) or of a range of faces."""
        chosen = index if isinstance(index, slice) else slice(index, index + 1 or None)
        return replace(
            self,
            styles=self.styles[chosen],
            details=tuple(entry[chosen] for entry in self.details),
        )

    def to(self, device: torch.device | str) -> Codes:
        """The same codes on a device."""
        details = tuple(entry.to(device) for entry in self.details)
        return replace(self, styles=self.styles.to(device), details=details)

    def without_details(self) -> Codes:
        """The styles alone."""
        return replace(self, details=())

    def slots(self, scale: Scale) -> tuple[int, ...]:
        """The slots of one range of scales.

        Raises:
            UsageError: the model has none, because it knows no scales or is too small.
        """
        return slots_of(scale, self.resolutions, self.family)

    def slots_by_scale(self) -> list[tuple[int, ...]]:
        """All slots, those of each scale that the model has together."""
        by_scale: dict[Scale, list[int]] = {}
        for slot, resolution in enumerate(self.resolutions):
            by_scale.setdefault(scale_of(resolution), []).append(slot)
        return [tuple(slots) for slots in by_scale.values()]

    def with_slots(self, slots: Iterable[int], source: Codes) -> Codes:
        """These codes with some slots taken from ``source`` (style mixing).

        ``source`` holds as many faces as these codes, or one for all. The details stay, unless
        most of the slots that make up the picture where details act come from ``source``.

        Raises:
            UsageError: the codes come from different model families or have other slots.
        """
        self.check_same_space(source)
        styles = self.styles.clone()
        chosen = list(slots)
        styles[:, chosen] = source.styles[:, chosen]
        details = source._details_for(len(self)) if self._are_most(chosen) else self.details
        return replace(self, styles=styles, details=details)

    def _are_most(self, slots: list[int]) -> bool:
        """Whether ``slots`` are more than half of those that act at most where details do."""
        limit = SCALE_LIMITS[Scale.MID]
        below = {i for i, resolution in enumerate(self.resolutions) if resolution <= limit}
        return 2 * len(below.intersection(slots)) > len(below)

    def _details_for(self, faces: int) -> tuple[Details, ...]:
        """The details, those of a single face repeated for ``faces`` faces."""
        if len(self) == faces:
            return self.details
        return tuple(entry.expanded(faces) for entry in self.details)

    def giving_way(self, factor: float) -> Codes:
        """The same with details that give way to edits ``factor`` times as readily."""
        entries = (replace(entry, yielding=factor * entry.yielding) for entry in self.details)
        return replace(self, details=tuple(entries))

    def shifted(self, direction: Tensor) -> Codes:
        """These codes moved by ``direction`` [slots, dim] or [N, slots, dim]."""
        return replace(self, styles=self.styles + direction.to(self.styles))

    def check_same_space(self, other: Codes) -> None:
        """Raise UsageError unless ``other`` may be mixed with these codes."""
        if (self.family, self.resolutions) != (other.family, other.resolutions):
            raise UsageError(
                f"codes of a {self.family} model cannot mix with codes of a {other.family} model; "
                "encode both photos with the same --model"
            )


def check_scales(scales: Iterable[str], resolutions: Sequence[int], family: str) -> None:
    """Raise UsageError when a model with these slots lacks one of the scales."""
    for scale in scales:
        slots_of(Scale(scale), resolutions, family)


def concatenate(parts: Iterable[Codes]) -> Codes:
    """One batch from several, in order."""
    parts = list(parts)
    for part in parts[1:]:
        parts[0].check_same_space(part)
    return replace(
        parts[0],
        styles=torch.cat([part.styles for part in parts]),
        details=tuple(_concatenated(parts, i) for i in range(max(len(p.details) for p in parts))),
    )


def _concatenated(parts: list[Codes], index: int) -> Details:
    """The ``index``-th details of all parts; parts without it get maps that do not show."""
    shape = next(p.details[index].maps.shape[1:] for p in parts if index < len(p.details))
    entries = [
        part.details[index]
        if index < len(part.details)
        else Details.of(part.styles.new_zeros(len(part), *shape), part.styles).scaled(0)
        for part in parts
    ]
    return Details(
        torch.cat([e.maps for e in entries]),
        torch.cat([e.styles for e in entries]),
        torch.cat([e.weights for e in entries]),
        torch.cat([e.yielding for e in entries]),
        _concatenated_fits(entries),
    )


def _concatenated_fits(entries: list[Details]) -> Tensor | None:
    """What was learnt from each photo; nothing is zeros when others have learnt."""
    there = [entry.fitted for entry in entries if entry.fitted is not None]
    if not there:
        return None
    return torch.cat(
        [
            there[0].new_zeros(len(entry.maps), there[0].shape[1])
            if entry.fitted is None
            else entry.fitted
            for entry in entries
        ]
    )
