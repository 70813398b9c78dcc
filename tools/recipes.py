"""Trains the three recipes alike and draws what each has learnt, for docs/recipes.md.

    python tools/recipes.py faces.npz runs --resolution 32 --kimg 100 --batch 16 ...

Every option is one of ``facemod train``; pictures, seed and length are the same for all. A run that
is there already goes on, or is only drawn. Writes runs/curves.png and runs/recipes.png: faces that
the bundled model drew, and for each recipe their reconstructions, the same with the coarse levels
of the next face where the recipe has levels, and random samples. Nobody in it exists.
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


def shown(run: Path, faces: Tensor) -> list[Tensor]:
    """What a model has learnt: rows of pictures."""
    model = load_model(str(run / "model.safetensors"))
    samples = model.decode(model.sample(COLUMNS, seed=SEED, truncation=1.0))
    return [model.decode(model.encode(faces)), *mixed(model, faces), samples]


def draw(runs: dict[str, Path], resolution: int, target: Path) -> None:
    """Write the sheet of all."""
    faces = inputs(resolution)
    rows = [faces, *(row for run in runs.values() for row in shown(run, faces))]
    large = F.interpolate(torch.cat(rows), scale_factor=2)
    write_image(tile(to_pixels(large), columns=COLUMNS, gap=4), target, overwrite=True)


def main() -> None:
    """Train each and draw what came of it."""
    faces, folder, *options = sys.argv[1:]
    runs = {recipe: Path(folder) / recipe for recipe in METHODS}
    for recipe, run in runs.items():
        words = ("train", faces, "-o", str(run), "--recipe", recipe, *options)
        subprocess.run([sys.executable, "-m", "facemod", *words], check=True)
    resolution = int(options[options.index("--resolution") + 1])
    draw(runs, resolution, Path(folder) / "recipes.png")
    kept = {recipe: [run] for recipe, run in runs.items()}
    curves.draw(Path(folder) / "curves.png", ["matching", "latent"], kept)


if __name__ == "__main__":
    main()
