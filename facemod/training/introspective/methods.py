"""The three published methods: what each trains with, and how long.

Stages beyond the published figures (the length of the last one) are as long as the one before.
No torch here: the command line reads this for its help.
"""

from __future__ import annotations

from dataclasses import dataclass

from facemod.training.introspective.schedule import Stage


@dataclass(frozen=True)
class Method:
    """The settings in which the methods differ."""

    name: str
    family: str
    """The model family of the result."""
    stages: tuple[Stage, ...]
    end: float
    """Thousand images after which the last stage ends."""
    betas: tuple[float, float]
    """Of Adam."""
    decoder_steps: int
    """Decoder steps per encoder step."""
    matching_weight: float
    """Of the reconstruction in the encoder's loss."""
    modulated: bool = False
    """Whether latents modulate every level (AdaIN), or enter at 4 px only."""
    pixel_norm: bool = False
    """Whether the decoder normalises feature vectors (without modulation only)."""
    spectral_decoder: bool = False
    """Whether the decoder's weights are spectrally normalised, or equalised."""
    robust: bool = False
    """Reconstruct by the adaptive robust loss instead of the absolute difference."""
    extra_divergence: bool = False
    """Whether the divergence of real images counts once more, outside of the contest."""
    bounded_above: bool = False
    """Whether the contest has an upper bound, too."""
    mixed_for_encoder: float = 0.0
    """Share of the encoder's fakes that mix two latents at a level."""
    mixed_for_decoder: float = 0.0


def _pioneer_stages() -> tuple[Stage, ...]:
    return tuple(Stage(2400.0 * level, level, 1e-3) for level in range(8))


def _ffhq_stages() -> tuple[Stage, ...]:
    starts = (0, 2400, 4800, 7200, 9600, 20040, 30680, 35700)
    rates = (1e-3, 5e-4, 5e-4, 5e-4, 1e-3, 1e-3, 1e-3, 1e-3)
    margins = (0, 0, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05)
    facts = zip(starts, range(8), rates, margins, strict=True)
    return tuple(Stage(*fact) for fact in facts)


PIONEER = Method(
    "pioneer",
    family="pioneer",
    stages=_pioneer_stages(),
    end=2400.0 * 8,
    betas=(0.0, 0.99),
    decoder_steps=2,
    matching_weight=1.0,
    pixel_norm=True,
)
BALANCED = Method(
    "balanced",
    family="balanced-pioneer",
    # The published CelebA-HQ schedule.
    stages=(
        *(Stage(2400.0 * level, level, 5e-4, 0.05) for level in range(4)),
        Stage(9600, 4, 1e-3, 0.0),
        Stage(13000, 4, 1e-3, 0.02),
        Stage(16520, 5, 1e-3, 0.02),
        Stage(20040, 6, 1e-3, 0.04),
    ),
    end=23560,
    betas=(0.0, 0.9),
    decoder_steps=1,
    matching_weight=1.0,
    spectral_decoder=True,
)
AUTOMODULATOR = Method(
    "automodulator",
    family="automodulator",
    stages=_ffhq_stages(),
    end=45000,
    betas=(0.0, 0.99),
    decoder_steps=1,
    matching_weight=0.2,
    modulated=True,
    robust=True,
    extra_divergence=True,
    bounded_above=True,
    mixed_for_encoder=0.25,
    mixed_for_decoder=0.5,
)
METHODS = {method.name: method for method in (PIONEER, BALANCED, AUTOMODULATOR)}
