"""``edit --preview``: one sheet to choose a strength from."""

from __future__ import annotations

import numpy as np
import pytest

from facemod.imaging.marking import read_mark

CELL, LABELS, GAP = 64, 2 * 16, 8


def cell(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    """The picture in one place of a sheet, without its labels."""
    top, left = row * (CELL + LABELS + GAP), column * (CELL + GAP)
    return sheet[top : top + CELL, left : left + CELL].astype(int)


def middle(picture: np.ndarray) -> np.ndarray:
    return picture[28:36, 20:44].mean((0, 1))


def test_a_row_for_each_preset_around_what_was_given(run, photo, pixels, visible, workplace):
    words = ("edit", photo("a.png"), "--smile", 1, "--age", -1, "--preview", "-o", "out")
    assert run(*words).code == 0
    assert visible(workplace / "out") == ["a.preview.png"]
    sheet = pixels("out/a.preview.png")
    assert sheet.shape == (2 * (CELL + LABELS) + GAP, 5 * CELL + 4 * GAP, 3)
    smiles = [middle(cell(sheet, 0, column))[0] for column in range(5)]
    assert smiles == sorted(smiles)
    assert smiles[4] - smiles[0] > 90
    below = [cell(sheet, 1, column)[54:60, 20:44, 2].mean() for column in range(5)]
    assert below == sorted(below)
    # The given smile is the fourth of its row, and all of the other row has it.
    assert middle(cell(sheet, 1, 0))[0] == pytest.approx(smiles[3], abs=1)
    assert read_mark("out/a.preview.png").kind == "composite"


def test_faces_are_encoded_and_decoded_once(run, photo, use_model):
    from fakes import FakeModel

    class Counting(FakeModel):
        encoded = decoded = 0

        def encode(self, images):
            self.encoded += len(images)
            return super().encode(images)

        def decode(self, codes, size=None):
            self.decoded += len(codes)
            return super().decode(codes, size)

    model = Counting()
    use_model(model)
    assert run("edit", photo("a.png", faces=2), "--smile", 1, "--age", 1, "--preview").code == 0
    # Each of two faces: itself, and both rows without the one cell of the first that is unmoved.
    assert (model.encoded, model.decoded) == (2, 2 * (1 + 5 + 5))


def test_a_zero_edit_is_the_photo(run, photo, pixels):
    run("edit", photo("a.png"), "--smile", 2, "--preview", "-o", "out")
    run("align", "a.png", "-o", "aligned.png")
    sheet = pixels("out/a.preview.png")
    assert np.array_equal(cell(sheet, 0, 2), pixels("aligned.png"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--crop",), "leave out --crop and --compare"),
        (("--compare",), "leave out --crop and --compare"),
        (("--on-no-face", "copy"), "--on-no-face copy"),
        (("--min-likeness", "0.5"), "--min-likeness"),
    ],
)
def test_what_makes_no_sense_with_it(run, photo, words, why):
    ended = run("edit", photo("a.png"), "--smile", 1, "--preview", *words)
    assert ended.code == 2
    assert why in ended.err


def test_films_have_none(run, workplace):
    (workplace / "a.mp4").write_bytes(b"film")
    ended = run("edit", "a.mp4", "--smile", 1, "--preview")
    assert ended.code == 2
    assert "--preview" in ended.err
