"""Trains the three recipes alike and draws what each has learnt, for docs/recipes.md.

    python tools/recipes.py faces.npz runs --resolution 32 --kimg 100 --batch 16 ...

Every option is one of ``facemod train``; pictures, seed and length are the same for all. A run that
is there already goes on, or is only drawn. Writes runs/RECIPE.png (from top to bottom: faces that
the bundled model drew, their reconstructions, the same with the coarse levels of the next face
where the recipe has levels, random samples; nobody in it exists) and prints the curves.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.imaging.sheet import tile
from facemod.imaging.writing import write_image
from facemod.models.base import FaceModel
from facemod.models.registry import load_model
from facemod.tensors.pixels import to_pixels
from facemod.training.introspective.methods import METHODS
from facemod.training.loop import STATS

COLUMNS, SEED, TRUNCATION, PARTS = 8, 100, 0.7, 8
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


def curve(run: Path, loss: str) -> str:
    """A loss over the run, as means of equal parts."""
    lines = [json.loads(line) for line in (run / STATS).read_text().splitlines()]
    size = max(1, len(lines) // PARTS)
    parts = [lines[i : i + size] for i in range(0, len(lines), size)][:PARTS]
    return ", ".join(f"{mean(line[loss] for line in part):.3g}" for part in parts)


def main() -> None:
    """Train, draw, print."""
    faces, runs, *options = sys.argv[1:]
    for recipe in METHODS:
        run = Path(runs) / recipe
        words = ("train", faces, "-o", str(run), "--recipe", recipe, *options)
        subprocess.run([sys.executable, "-m", "facemod", *words], check=True)
        draw(run)
        for loss in ("matching", "latent"):
            print(f"{recipe} {loss}: {curve(run, loss)}")


if __name__ == "__main__":
    main()
