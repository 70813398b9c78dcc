"""The three published methods: what each trains with, and how long.

Every number is that of the authors' code (github.com/AaltoVision: pioneer, balanced-pioneer,
automodulator), as it runs rather than as it reads: the schedulers of the two later ones act when
a stage is entered, and never on the first entry. There, the command line's learning rate (1e-3)
holds, and no margin. No torch here: the command line reads this for its help.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from facemod.training.introspective.schedule import Stage, Timetable

DEFAULT_RATE = 1e-3


@dataclass(frozen=True)
class Method:
    """The settings in which the methods differ."""

    name: str
    family: str
    """The model family of the result."""
    timetables: Mapping[str, Timetable]
    """By the pictures they were published for; the first is the default."""
    batches: tuple[int, ...]
    """Images per step at 4, 8, ... px, on one GPU of 12 GB."""
    betas: tuple[float, float]
    """Of Adam."""
    decoder_steps: int
    """Decoder steps per encoder step."""
    matching_weight: float
    """Of the reconstruction in the encoder's loss."""
    modulated: bool = False
    """Whether latents modulate every level (AdaIN), or enter at 4 px only."""
    spectral_decoder: bool = False
    """Whether the decoder's weights are spectrally normalised, or equalised. If they are, its first
    pictures are so alike that bfloat16 cannot tell their latents apart: their spread comes out as
    0, and its logarithm is no number."""
    robust: bool = False
    """Reconstruct by the adaptive robust loss instead of the absolute difference."""
    extra_divergence: bool = False
    """Whether the divergence of real images counts once more, outside of the contest."""
    bounded_above: bool = False
    """Whether the contest has an upper bound, too."""
    mixed_for_encoder: float = 0.0
    """Share of the encoder's fakes that mix two latents at a level."""
    mixed_for_decoder: float = 0.0
    noisy: bool = False
    """Whether the decoder adds noise while it is trained."""
    frozen_skip: bool = False
    """Whether the colours of the level before stay as they are while a new one fades in."""


def _stages(*entries: tuple[float, int, float, float]) -> tuple[Stage, ...]:
    """By start (thousand images), level, learning rate and margin; 4 px comes before them."""
    first = Stage(0, 0, DEFAULT_RATE, 0.0)
    return (first, *(Stage(*entry) for entry in entries))


def _even(length: float, levels: int, known: Mapping[int, float]) -> Timetable:
    """PIONEER's: stages of one length, of which the last is taken twice, or till a known end."""
    stages = tuple(Stage(length * level, level, DEFAULT_RATE) for level in range(levels))
    ends = {level: length * (level + 2) for level in range(levels)}
    return Timetable(stages, ends | dict(known), fade=length / 2)


def _automodulator(
    late: Iterable[tuple[float, int, float, float]], ends: Mapping[int, float]
) -> Timetable:
    """8 to 64 px are alike for all pictures."""
    early = ((2400, 1, 5e-4, 0.0), (4800, 2, 5e-4, 0.05), (7200, 3, 5e-4, 0.05),
             (9600, 4, 1e-3, 0.05))  # fmt: skip
    return Timetable(_stages(*early, *late), ends)


PIONEER = Method(
    "pioneer",
    family="pioneer",
    # 43,200 and 25,000 are its README's; no schedule changes rates, and there are no margins.
    timetables={
        "celebahq": _even(4800, 7, {6: 43200}),
        "celeba": _even(2400, 6, {4: 25000}),
    },
    batches=(128, 128, 128, 64, 32, 16, 8),
    betas=(0.0, 0.99),
    decoder_steps=2,
    matching_weight=1.0,
)
BALANCED = Method(
    "balanced",
    family="balanced-pioneer",
    # 30,000 is its README's.
    timetables={
        "celebahq": Timetable(
            _stages(
                *((2400 * level, level, 5e-4, 0.05) for level in (1, 2, 3)),
                (9600, 4, 1e-3, 0.0), (13000, 4, 1e-3, 0.02),
                (16520, 5, 1e-3, 0.02), (20040, 6, 1e-3, 0.04),
            ),
            {6: 30000},
        ),
        "lsun": Timetable(
            _stages(
                *((2400 * level, level, 1e-3, 0.0) for level in (1, 2, 3)),
                (9600, 4, 1e-3, 0.0), (12360, 4, 1e-3, 0.06),
                (15400, 5, 1e-3, 0.06), (21400, 6, 1e-3, 0.04),
            ),
            {6: 30000},
        ),
    },
    batches=(128, 128, 128, 64, 32, 32, 32),
    betas=(0.0, 0.9),
    decoder_steps=1,
    matching_weight=1.0,
    spectral_decoder=True,
)  # fmt: skip
AUTOMODULATOR = Method(
    "automodulator",
    family="automodulator",
    # 45,000 is its README's; the others end where the published checkpoints did.
    timetables={
        "ffhq": _automodulator(
            ((20040, 5, 1e-3, 0.05), (30680, 6, 1e-3, 0.05), (35700, 7, 1e-3, 0.05)), {7: 45000}
        ),
        "celebahq": _automodulator(
            ((20040, 5, 1e-3, 0.02), (27500, 6, 1e-3, 0.04)), {6: 31877.148}
        ),
        "lsun": _automodulator(((20040, 5, 1e-3, 0.05), (30000, 6, 1e-3, 0.05)), {6: 32057.14}),
    },
    batches=(128, 128, 128, 64, 32, 32, 16, 4),
    betas=(0.0, 0.99),
    decoder_steps=1,
    matching_weight=0.2,
    modulated=True,
    robust=True,
    extra_divergence=True,
    bounded_above=True,
    mixed_for_encoder=0.25,
    mixed_for_decoder=0.5,
    noisy=True,
    frozen_skip=True,
)
METHODS = {method.name: method for method in (PIONEER, BALANCED, AUTOMODULATOR)}
