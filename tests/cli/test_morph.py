"""``facemod morph``: films of the right length that stand on the real photos."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from facemod.imaging.marking import read_mark
from facemod.imaging.video import verify_video


@pytest.fixture
def photos(photo):
    return [photo("a.png", (190, 60, 60)), photo("b.png", (60, 60, 190))]


@pytest.mark.parametrize(
    ("name", "words", "frames"),
    [
        ("m.gif", ("--seconds", "0.4", "--fps", "20"), 8),
        ("m.webp", ("--seconds", "0.5", "--fps", "10", "--loop"), 5),
        ("m.mp4", ("--seconds", "0.2"), 6),
        ("m.mp4", ("--seconds", "0.1", "--fps", "30", "--size", "1024", "--ease", "linear"), 3),
    ],
)
def test_the_film_is_as_long_as_asked(run, photos, workplace, name, words, frames):
    ended = run("morph", *photos, "-o", name, *words)
    assert ended.code == 0
    assert f"{name}: {frames} frames, " in ended.err
    assert "verified" in ended.err
    fps = float(words[words.index("--fps") + 1]) if "--fps" in words else 30
    side = 1024 if "1024" in words else 512
    verify_video(workplace / name, frames=frames, fps=fps, size=(side, side))


def test_it_begins_and_ends_on_the_aligned_photos(run, photos, pixels):
    run("align", *photos, "-o", "aligned")
    run("morph", *photos, "--seconds", "0.4", "--fps", "10", "-o", "m.webp")
    with Image.open("m.webp") as film:
        first = np.asarray(film.convert("RGB"), float)
        film.seek(film.n_frames - 1)
        last = np.asarray(film.convert("RGB"), float)
    for frame, name in ((first, "a"), (last, "b")):
        face = Image.open(f"aligned/{name}.face.png").resize((512, 512), Image.Resampling.BICUBIC)
        assert np.abs(frame - np.asarray(face, float)).mean() < 4


def test_chains_and_folders(run, photo):
    for name in "abc":
        photo(f"photos/{name}.png")
    ended = run("morph", "photos", "--seconds", "0.2", "-o", "m.gif", "--json")
    assert ended.code == 0
    assert [o["input"] for o in ended.json["outcomes"]] == [f"photos/{n}.png" for n in "abc"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--size", "500"), "--size 500: films are 512 or 1024 px"),
        (("--ease", "jerky"), "--ease jerky: unknown; choose one of linear, smooth, slow"),
        (("-o", "film.avi"), "or a file that ends in .gif or .mp4 or .webp"),
        (("--seconds", "0.1", "--fps", "5"), "too few for 1 legs; raise --seconds or --fps"),
        (("--seconds", "nan"), "--seconds"),
        (("--fps", "61"), "--fps"),
        (("--faces", "all"), "--faces all: one face of each photo"),
        (("--faces", "1,2"), "--faces 1,2: one face of each photo"),
    ],
)
def test_what_cannot_be_filmed(run, photos, words, complaint, workplace):
    ended = run("morph", *photos, *words)
    assert ended.code == 2
    assert complaint in ended.err
    assert not (workplace / "facemod-output").exists()


def test_one_face_is_not_enough(run, photo):
    ended = run("morph", photo("a.png"))
    assert ended.code == 2
    assert "at least two faces" in ended.err


def test_the_film_is_marked_without_names(run, photo, workplace):
    photos = (photo("Jane.png"), photo("John.png"))
    run("morph", *photos, "--seconds", "0.1", "-o", "m.webp")
    mark = read_mark(workplace / "m.webp")
    assert (mark.kind, mark.recipe) == ("synthetic", "morph of 2 photos")
    run("morph", *photos, "--seconds", "0.1", "-o", "bare.webp", "--no-mark")
    assert read_mark(workplace / "bare.webp") is None
