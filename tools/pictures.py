"""Draws the pictures of the README anew, with the presets and the model of this repository.

    ./run pictures

writes docs/images/edits.jpg (portraits, each followed by edits of it), docs/images/mixing.jpg (a
mixing grid) and docs/images/fidelity.jpg (strong edits by two rungs of fidelity). Everybody in them
was made by the bundled model.
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
    "portrait-2": ("--smile 1.5", "--age 1.75", "--glasses 1", "--yaw 1.5", "--surprise 1.5"),
    "portrait-3": ("--smile -1.5", "--age 1.75", "--gender -1.5", "--yaw 1.5", "--light-right 1.5"),
}
"""For each portrait, the edits beside it: options of ``facemod edit``."""
STRONG = ("--age 1.75", "--age -1.5", "--gender 1.5", "--gender -1.5")
"""Edits that show whether the person stays: by ``transfer`` above, by ``refine`` below."""
RUNGS = ("transfer", "refine")
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


def draw(name: str, strips: list[tuple[str, tuple[str, ...]]]) -> None:
    """Write strips of portraits and their edits, one below the other."""
    cells = [cell for portrait, edits in strips for cell in strip(portrait, edits)]
    columns = 1 + len(strips[0][1])
    Image.fromarray(tile(cells, columns)).save(IMAGES / name, quality=88)


def main() -> None:
    """Write the pictures."""
    IMAGES.mkdir(exist_ok=True)
    draw("edits.jpg", list(STRIPS.items()))
    rungs = [tuple(f"{edit} --fidelity {rung}" for edit in STRONG) for rung in RUNGS]
    draw("fidelity.jpg", [(portrait, edits) for portrait in STRIPS for edits in rungs])
    named = [EXAMPLES / f"{w}.jpg" if w.startswith("portrait") else w for w in GRID]
    facemod("grid", *named, "--size", "260", "-o", IMAGES / "mixing.jpg", "--overwrite")


if __name__ == "__main__":
    main()
