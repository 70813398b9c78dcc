"""Trains the three recipes alike and draws what each has learnt, for docs/recipes.md.

    python tools/recipes.py faces.npz runs --resolution 32 --kimg 100 --batch 16 ...

Every option is one of ``facemod train``; pictures, seed and length are the same for all. A run that
is there already goes on, or is only drawn. Writes runs/RECIPE.png (from top to bottom: faces that
the bundled model drew, their reconstructions, the same with the coarse levels of the next face
where the recipe has levels, random samples; nobody in it exists) and runs/curves.png.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import curves
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.imaging.sheet import tile
from facemod.imaging.writing import write_image
from facemod.models.base import FaceModel
from facemod.models.registry import load_model
from facemod.tensors.pixels import to_pixels
from facemod.training.introspective.methods import METHODS

COLUMNS, SEED, TRUNCATION = 8, 100, 0.7
COARSE = 2
"""Levels that mixes take from the next face: 4 and 8 px."""


def inputs(resolution: int) -> Tensor:
    """Faces [COLUMNS, 3, R, R] of people who do not exist, drawn by the bundled model."""
    model = load_model()
    codes = model.sample(COLUMNS, seed=SEED, truncation=TRUNCATION)
    drawn = torch.cat([model.decode(codes[i]).float() for i in range(COLUMNS)])
    return F.interpolate(drawn, (resolution, resolution), mode="area")


def mixed(model: FaceModel, faces: Tensor) -> list[Tensor]:
    """The faces with the coarse levels of the next one; nothing for models without levels."""
    codes = model.encode(faces)
    if model.info.slots == 1:
        return []
    styles = codes.styles.clone()
    styles[:, :COARSE] = codes.styles.roll(-1, 0)[:, :COARSE]
    return [model.decode(replace(codes, styles=styles))]


def draw(run: Path) -> None:
    """What a model has learnt, beside its run."""
    model = load_model(str(run / "model.safetensors"))
    faces = inputs(model.info.resolution)
    samples = model.decode(model.sample(COLUMNS, seed=SEED, truncation=1.0))
    rows = [faces, model.decode(model.encode(faces)), *mixed(model, faces), samples]
    large = F.interpolate(torch.cat(rows), scale_factor=2)
    write_image(tile(to_pixels(large), columns=COLUMNS, gap=4), run.with_suffix(".png"),
                overwrite=True)  # fmt: skip


def main() -> None:
    """Train each and draw what came of it."""
    faces, runs, *options = sys.argv[1:]
    for recipe in METHODS:
        run = Path(runs) / recipe
        words = ("train", faces, "-o", str(run), "--recipe", recipe, *options)
        subprocess.run([sys.executable, "-m", "facemod", *words], check=True)
        draw(run)
    trained = {recipe: [Path(runs) / recipe] for recipe in METHODS}
    curves.draw(Path(runs) / "curves.png", ["matching", "latent"], trained)


if __name__ == "__main__":
    main()
