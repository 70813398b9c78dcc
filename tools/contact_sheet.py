"""Draws every preset on people who do not exist, for docs/presets.md and the README.

    ./run sheet

writes docs/images/presets.jpg (a row for each preset: six people at the low end of its range, at
-1, at +1 and at the high end, below the unedited six) and docs/images/presets-some.jpg (a part of
it, larger). The people were drawn by the bundled model and chosen for their sex, age and skin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from facemod.imaging.sheet import shrunk, tile, with_labels
from facemod.latent.codes import Codes
from facemod.latent.presets import Preset, by_panel, find_presets
from facemod.latent.strengths import Strength, preset_edit
from facemod.models.base import FaceModel
from facemod.models.registry import load_model
from facemod.tensors.pixels import to_pixels

IMAGES = Path(__file__).parents[1] / "docs" / "images"
PRESETS = Path(__file__).parents[1] / "presets"
PEOPLE = (1, 2, 5, 6, 13, 14)
"""Seeds of the six."""
DRAWN, SIDE, LARGER = 256, 72, 120
"""Pixels of a picture as it is drawn, on the sheet, and in the README."""
GAP = 2
SOME = {"smile": 1.5, "surprise": 1.5, "anger": 1.5, "age": 1.5, "gender": 1.0, "glasses": 1.0}
"""What the README shows."""
Picture = np.ndarray


def draw(model: FaceModel, people: Sequence[Codes], chosen: dict[str, float]) -> list[Picture]:
    """The people after an edit, uint8 [DRAWN, DRAWN, 3] each."""
    strengths = {name: Strength(value) for name, value in chosen.items()}
    edit = preset_edit(strengths, model.info.space)
    return [to_pixels(model.decode(edit(codes), DRAWN))[0] for codes in people]


def block(pictures: Sequence[Picture], label: str, side: int, columns: int) -> Picture:
    """Pictures beside or below each other as one, with a label below."""
    small = tile([shrunk(picture, side) for picture in pictures], columns, GAP)
    return with_labels([small], [label])[0]


def ends_and_ones(preset: Preset) -> list[float | None]:
    """The low end of a range, -1, +1 and the high end; None for what is not within it or twice."""
    low, high = preset.range
    return [low or None, -1.0 if low < -1 else None, 1.0 if high > 1 else None, high or None]


def everything(model: FaceModel, people: Sequence[Codes]) -> Iterator[list[Picture | None]]:
    """The unedited people, then a row for each preset."""
    yield [block(draw(model, people, {}), "unedited", SIDE, len(people)), None, None, None]
    for name, preset in by_panel(find_presets([PRESETS])[0]).items():
        yield [
            None
            if at is None
            else block(draw(model, people, {name: at}), f"{name} {at:+g}", SIDE, len(people))
            for at in ends_and_ones(preset)
        ]


def some(model: FaceModel, people: Sequence[Codes]) -> list[Picture]:
    """A column of the unedited people, then one for each of some edits."""
    columns = [block(draw(model, people, {}), "unedited", LARGER, 1)]
    for name, at in SOME.items():
        columns.append(block(draw(model, people, {name: at}), f"--{name} {at:g}", LARGER, 1))
    return columns


def save(cells: Sequence[Picture | None], columns: int, name: str) -> None:
    """Write blocks in rows as one picture."""
    Image.fromarray(tile(cells, columns, 2 * GAP)).save(IMAGES / name, quality=85)


def main() -> None:
    """Write both pictures."""
    model = load_model("bundled", "cpu")
    people = [model.sample(1, seed=seed) for seed in PEOPLE]
    save(some(model, people), 1 + len(SOME), "presets-some.jpg")
    save([cell for row in everything(model, people) for cell in row], 4, "presets.jpg")


if __name__ == "__main__":
    main()
