"""``facemod paint``: strokes on copies and from the command line."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeModel, WindowFake
from PIL import Image

from facemod.imaging.marking import read_mark


@pytest.fixture(autouse=True)
def model(use_model):
    use_model(WindowFake())


@pytest.fixture
def painted(photo, workplace):
    """A photo me.png and its copy painted.png with a red stroke over the lower face."""

    def make(name: str = "painted.png", **saving: int) -> None:
        photo("me.png")
        pixels = np.asarray(Image.open("me.png")).copy()
        pixels[56:68, 34:62] = (220, 90, 110)
        Image.fromarray(pixels).save(name, **saving)

    return make


def redness(pixels: np.ndarray) -> float:
    return float(pixels[58:66, 36:60, 0].mean()) - float(pixels[58:66, 36:60, 1:].mean())


@pytest.mark.parametrize(
    ("name", "saving"), [("painted.png", {}), ("painted.jpg", {"quality": 80})]
)
def test_strokes_change_the_face_and_nothing_far_from_them(run, painted, pixels, name, saving):
    painted(name, **saving)
    ended = run("paint", "me.png", name, "-o", "out.png", "--json")
    assert ended.code == 0, ended.err
    before, after = pixels("me.png").astype(int), pixels("out.png").astype(int)
    assert redness(after) > redness(before) + 10
    assert np.array_equal(after[:40], before[:40])
    assert read_mark("out.png").recipe == "paint strength=1"
    assert ended.json["outcomes"][0]["status"] == "done"


def test_strength_says_how_much(run, painted, pixels):
    painted()
    for strength in ("0", "0.5", "1"):
        ended = run(
            "paint", "me.png", "painted.png", "--strength", strength, "-o", f"{strength}.png"
        )
        assert ended.code == 0, ended.err
    none, half, full = (redness(pixels(f"{strength}.png")) for strength in ("0", "0.5", "1"))
    assert none == redness(pixels("me.png"))
    assert none + 3 < half < full - 3


def test_brushes_need_no_copy(run, photo, pixels):
    photo("me.png")
    ended = run("paint", "me.png", "--brush", "48,62,10,#ff5060", "-o", "out.png")
    assert ended.code == 0, ended.err
    assert redness(pixels("out.png")) > redness(pixels("me.png")) + 10


def test_only_faces_with_strokes_change(run, photo, pixels):
    photo("two.png", faces=2)
    ended = run("paint", "two.png", "--brush", "48,62,10,#ff5060", "-o", "out.png", "--json")
    assert [face["index"] for face in ended.json["outcomes"][0]["faces"]] == [1]
    assert np.array_equal(pixels("out.png")[:, 110:], pixels("two.png")[:, 110:])


def test_strokes_off_the_faces_are_left_out_and_that_is_said(run, photo, pixels):
    photo("two.png", faces=2)
    brushes = ("--brush", "48,56,6,#ff5060", "--brush", "144,56,6,#20d040")
    said = "strokes away from the chosen faces were left out"
    ended = run("paint", "two.png", *brushes, "--faces", "1", "-o", "out.png", "--steps", 2)
    assert said in ended.err
    assert np.array_equal(pixels("out.png")[:, 110:], pixels("two.png")[:, 110:])
    both = run("paint", "two.png", *brushes, "-o", "both.png", "--steps", 2)
    assert both.code == 0 and said not in both.err


def test_strokes_show_only_where_the_face_may_change(run, photo, painted, pixels):
    painted()
    mask = np.zeros((96, 96), np.uint8)
    mask[:, 48:] = 255
    Image.fromarray(mask).save("mask.png")
    ended = run("paint", "me.png", "painted.png", "--mask", "mask.png", "-o", "out.png")
    assert ended.code == 0, ended.err
    before, after = pixels("me.png").astype(int), pixels("out.png").astype(int)
    assert np.array_equal(after[:, :46], before[:, :46])
    assert (after - before)[58:66, 51:60, 0].mean() > 10


def test_results_that_are_too_unlike_fail(run, painted, workplace):
    painted()
    words = ("paint", "me.png", "painted.png", "-o", "out.png", "--json")
    ended = run(*words, "--min-likeness", 1)
    assert ended.json["outcomes"][0]["error"]["code"] == "unlike"
    assert not (workplace / "out.png").exists()


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("me.png",), 2, "nothing is painted"),
        (("me.png", "--brush", "1,2,red"), 2, "--brush 1,2,red"),
        (("me.png", "me.png"), 3, "no strokes were found"),
        (("me.png", "small.png"), 3, "the painted copy is 48 x 48 px and the photo 96 x 96 px"),
        (("me.png", "missing.png"), 3, "missing.png: no such file"),
        (("me.png", "painted.png", "-o", "painted.png"), 2, "is an input"),
        (("me.png", "painted.png", "--only", "ears"), 2, "--only ears: regions are mouth"),
        (("me.png", "painted.png", "--mask", "small.png"), 3, "--mask is 48 x 48 px"),
    ],
)
def test_what_cannot_be_painted(run, painted, words, code, complaint):
    painted()
    Image.open("me.png").resize((48, 48)).save("small.png")
    ended = run("paint", *words)
    assert ended.code == code
    assert complaint in ended.err.replace("\n", " ")


def test_models_that_cannot_draw_windows_say_so(run, painted, use_model):
    use_model(FakeModel())
    painted()
    ended = run("paint", "me.png", "painted.png")
    assert ended.code == 2 and "cannot be painted with" in ended.err
