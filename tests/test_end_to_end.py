"""The real thing once: a photo, the bundled model, detector and presets, a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from facemod.faces import affine
from facemod.faces.align import ffhq_matrix
from facemod.imaging.marking import read_mark
from facemod.imaging.reading import open_photo

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "portrait-1.jpg"


def test_a_smile(tmp_path):
    target = tmp_path / "out.png"
    words = ["edit", str(PHOTO), "--smile", "+1.5", "-o", str(target), "--json", "--aligner"]
    command = [sys.executable, "-m", "facemod", *words, "embedded"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    (outcome,) = json.loads(ended.stdout)["outcomes"]
    (face,) = outcome["faces"]
    before, after = open_photo(PHOTO).pixels, open_photo(target).pixels
    changed = (before != after).any(axis=2)
    inside = square_of(np.array(face["landmarks"]), changed.shape)
    assert changed[inside].mean() > 0.02
    assert not changed[~inside].any()
    mark = read_mark(target)
    # The example shows nobody who exists, and says so; editing it does not make it a photo.
    assert (mark.kind, mark.recipe) == ("synthetic", "edit smile=+1.5")


def square_of(landmarks: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Which pixels of a photo lie in the FFHQ square of five landmarks, give or take one."""
    across = affine.inverse(ffhq_matrix(landmarks, 1024))
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    x, y = np.moveaxis(affine.apply(across, np.stack([columns, rows], -1).astype(float)), -1, 0)
    margin = affine.scale(across)
    return (np.minimum(x, y) > -margin) & (np.maximum(x, y) < 1023 + margin)
