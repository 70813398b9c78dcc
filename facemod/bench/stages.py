"""Where the time goes when one face in one photo is edited, from file to file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from facemod.bench.timing import Clock, Now
from facemod.editing.corridor import put_back, redraw
from facemod.editing.editor import Editor
from facemod.faces.face import Detector, Face
from facemod.imaging.reading import open_photo
from facemod.imaging.writing import write_image, write_photo
from facemod.latent.codes import Codes
from facemod.latent.edits import Edit, Shift
from facemod.models.base import Drawn, FaceModel, ModelInfo, draw
from facemod.models.windows import Window
from facemod.tensors.pixels import to_pixels

# Around the face, as a part of its square's side.
SURROUNDINGS = 0.25
SEED = 7


@dataclass(frozen=True)
class ClockedModel:
    """A model that tells a clock what it does."""

    model: FaceModel
    clock: Clock

    @property
    def info(self) -> ModelInfo:
        return self.model.info

    @property
    def device(self) -> torch.device:
        return self.model.device

    def encode(self, images: Tensor) -> Codes:
        with self.clock("encode"):
            return self.model.encode(images)

    def decode(self, codes: Codes, size: int | None = None) -> Tensor:
        with self.clock("decode"):
            return self.model.decode(codes, size)

    def draw(self, codes: Codes, size: int | None = None, window: Window | None = None) -> Drawn:
        with self.clock("decode"):
            return draw(self.model, codes, size, window)

    def sample(self, count: int, *, seed: int, truncation: float = 0.7) -> Codes:
        return self.model.sample(count, seed=seed, truncation=truncation)


@dataclass(frozen=True)
class ClockedDetector:
    """A detector that tells a clock what it does."""

    detector: Detector
    clock: Clock

    @property
    def name(self) -> str:
        return self.detector.name

    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        with self.clock("find faces"):
            return self.detector.detect(rgb)


def time_stages(
    editor: Editor, size: int, repeats: int, folder: Path, now: Now
) -> dict[str, float]:
    """Median seconds of each stage of editing a photo with one face of ``size`` px.

    The photo and the results are written to ``folder``.
    """
    source = folder / "photo.jpg"
    write_image(portrait(editor.model, size), source)
    edit = small_edit(editor.model)
    rounds = []
    for _ in range(repeats + 1):
        clock = Clock(editor.model.device, now)
        clocked = replace(
            editor,
            model=ClockedModel(editor.model, clock),
            detector=ClockedDetector(editor.detector, clock),
            size=size,
        )
        edit_once(clocked, edit, clock, source, folder / "edited.jpg")
        rounds.append(clock.seconds)
    return {stage: median(r[stage] for r in rounds[1:]) for stage in rounds[0]}


def edit_once(editor: Editor, edit: Edit, clock: Clock, source: Path, target: Path) -> None:
    """What ``facemod edit`` does with one photo, stage by stage."""
    with clock("read"):
        photo = open_photo(source)
    with clock("align"):
        crops = editor.cut_out(photo, "largest")
    encoded = editor.encode(crops)
    with clock("transfer"):
        edited = redraw(encoded, [edit] * len(encoded))
    with clock("composite"):
        result = put_back(photo, edited)
    with clock("write"):
        write_photo(result, target, overwrite=True, mark=None)


def small_edit(model: FaceModel) -> Edit:
    """An edit as strong as that of a preset, for any model."""
    near, centre = (model.sample(1, seed=SEED, truncation=t).styles for t in (0.2, 0.0))
    return Shift((near - centre)[0])


def portrait(model: FaceModel, size: int) -> NDArray[np.uint8]:
    """A person who does not exist, with a face square of ``size`` px and something around it."""
    face = Image.fromarray(to_pixels(model.decode(model.sample(1, seed=SEED)))[0])
    pixels = np.asarray(face.resize((size, size), Image.Resampling.LANCZOS))
    around = round(size * SURROUNDINGS)
    return np.pad(pixels, ((around, around), (around, around), (0, 0)), mode="reflect")
