"""Draws the pictures of the README anew, with the presets and the model of this repository.

    ./run pictures

writes docs/images/edits.jpg (portraits, each followed by edits of it) and docs/images/mixing.jpg
(a mixing grid). Everybody in them was made by the bundled model.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from facemod.imaging.sheet import shrunk, tile, with_labels

ROOT = Path(__file__).parents[1]
EXAMPLES, IMAGES = ROOT / "examples", ROOT / "docs" / "images"
SIDE = 210
"""Of one picture, in pixels."""
STRIPS = {
    "portrait-2": ("--smile 2", "--beard 1.5", "--glasses 1", "--yaw 1.5", "--mouth-open 1.5"),
    "portrait-3": ("--smile -2", "--age 1.5", "--hair-red 1.5", "--yaw 1.5", "--light-right 2"),
}
"""For each portrait, the edits beside it: options of ``facemod edit``."""
GRID = ("portrait-1", "portrait-4", "--with", "portrait-2", "--with", "portrait-3")


def facemod(*words: str | Path) -> None:
    """Run a command of facemod."""
    subprocess.run([sys.executable, "-m", "facemod", *map(str, words)], check=True)


def edited(portrait: str, options: str) -> np.ndarray:
    """A portrait after an edit, uint8 [SIDE, SIDE, 3]."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "edited.png"
        facemod("edit", EXAMPLES / f"{portrait}.jpg", *options.split(), "-o", result)
        return small(result)


def small(path: Path) -> np.ndarray:
    """A square picture, uint8 [SIDE, SIDE, 3]."""
    with Image.open(path) as image:
        return shrunk(np.asarray(image.convert("RGB")), SIDE)


def strip(portrait: str, edits: tuple[str, ...]) -> list[np.ndarray]:
    """A portrait and its edits, labelled."""
    pictures = [small(EXAMPLES / f"{portrait}.jpg"), *(edited(portrait, e) for e in edits)]
    return with_labels(pictures, ["before", *edits])


def main() -> None:
    """Write both pictures."""
    IMAGES.mkdir(exist_ok=True)
    cells = [cell for portrait, edits in STRIPS.items() for cell in strip(portrait, edits)]
    columns = 1 + max(map(len, STRIPS.values()))
    Image.fromarray(tile(cells, columns)).save(IMAGES / "edits.jpg", quality=88)
    named = [EXAMPLES / f"{w}.jpg" if w.startswith("portrait") else w for w in GRID]
    facemod("grid", *named, "--size", "260", "-o", IMAGES / "mixing.jpg", "--overwrite")


if __name__ == "__main__":
    main()
