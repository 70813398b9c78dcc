"""The options of learning and measuring presets. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from facemod.training.settings import DATA_PANEL, Setting


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """What presets are learnt from and judged by."""

    work: Annotated[
        Path, Setting("Folder of intermediate results; what is there is used again.", DATA_PANEL)
    ]
    preview: Annotated[Path, Setting("Weights of the preview decoder.", DATA_PANEL)]
    celeba: Annotated[Path | None, Setting("Packed faces of CelebA.", DATA_PANEL)] = None
    labels: Annotated[Path | None, Setting("CSV of CelebA's attributes.", DATA_PANEL)] = None
    utk: Annotated[Path | None, Setting("Packed faces of UTKFace.", DATA_PANEL)] = None
    seed: Annotated[int, Setting("Seed of all random choices.")] = 0
    real: Annotated[Path, Setting("Packed real faces.", DATA_PANEL)]


@dataclass(frozen=True, kw_only=True)
class PresetOptions(SourceOptions):
    """How presets are learnt."""

    faces: Annotated[int, Setting("Faces of either kind to scale with.")] = 24
    practice: Annotated[int, Setting("Faces to polish on.")] = 600
    steps: Annotated[int, Setting("Steps of polishing.")] = 110
    only: Annotated[str, Setting("Presets to learn, with commas; default all.")] = ""


@dataclass(frozen=True, kw_only=True)
class LevelOptions:
    """What levels are fitted to."""

    celeba: Annotated[Path, Setting("Packed faces of CelebA.", DATA_PANEL)]
    labels: Annotated[Path, Setting("CSV of CelebA's attributes.", DATA_PANEL)]
    utk: Annotated[Path, Setting("Packed faces of UTKFace.", DATA_PANEL)]
    faces: Annotated[int, Setting("Faces of CelebA, and of UTKFace half as many.")] = 1200
    seed: Annotated[int, Setting("Seed of all random choices.")] = 0


@dataclass(frozen=True, kw_only=True)
class LeakOptions(SourceOptions):
    """How leaks are measured."""

    identity: Annotated[Path, Setting("MobileFaceNet checkpoint.", DATA_PANEL)]
    presets: Annotated[Path, Setting("Folder of the presets.", DATA_PANEL)] = Path("presets")
    samples: Annotated[int, Setting("Random faces.")] = 200
    fine_samples: Annotated[int, Setting("Random faces for presets of fine slots.")] = 50
    real_faces: Annotated[int, Setting("Real faces.")] = 100
    scored: Annotated[int, Setting("Samples for the plain ways to compare with.")] = 2500


@dataclass(frozen=True, kw_only=True)
class PublishedOptions:
    """What presets of published directions are made of and measured by."""

    directions: Annotated[Path, Setting("An npz of published directions.", DATA_PANEL)]
    identity: Annotated[Path, Setting("MobileFaceNet checkpoint.", DATA_PANEL)]
    celeba: Annotated[Path, Setting("Packed faces of CelebA.", DATA_PANEL)]
    labels: Annotated[Path, Setting("CSV of CelebA's attributes.", DATA_PANEL)]
    utk: Annotated[Path, Setting("Packed faces of UTKFace.", DATA_PANEL)]
    work: Annotated[
        Path, Setting("Folder of intermediate results; what is there is used again.", DATA_PANEL)
    ] = Path("work")
    taught: Annotated[int, Setting("Labelled faces of each set to learn to measure from.")] = 400
    told: Annotated[int, Setting("Photos of CelebA whose labels tell directions.")] = 900
    faces: Annotated[int, Setting("Random faces to measure on, and as many real ones.")] = 4
    only: Annotated[str, Setting("Presets to make, with commas; default all.")] = ""
    seed: Annotated[int, Setting("Seed of all random choices.")] = 0
