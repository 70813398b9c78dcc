"""The options of measuring fidelity. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from facemod.training.settings import DATA_PANEL, Setting


@dataclass(frozen=True, kw_only=True)
class FidelityOptions:
    """What the rungs of fidelity are measured by, and on how much."""

    identity: Annotated[Path, Setting("MobileFaceNet checkpoint.", DATA_PANEL)]
    celeba: Annotated[Path, Setting("Packed faces of CelebA.", DATA_PANEL)]
    labels: Annotated[Path, Setting("CSV of CelebA's attributes.", DATA_PANEL)]
    utk: Annotated[Path | None, Setting("Packed faces of UTKFace.", DATA_PANEL)] = None
    photos: Annotated[int, Setting("Photos to measure on.")] = 20
    effects: Annotated[int, Setting("Photos that presets are tried on.")] = 5
    device: Annotated[str, Setting("auto, cpu, cuda, cuda:N or mps.")] = "cpu"
