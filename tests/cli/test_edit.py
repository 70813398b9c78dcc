"""``facemod edit``: what changes in a photo, and what does not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from facemod import __version__
from facemod.imaging.marking import read_mark

# The face square of the fake detector in a photo of 96 px, rounded outwards.
FACE = (slice(18, 78), slice(18, 78))


def outside_the_face(pixels: np.ndarray) -> np.ndarray:
    mask = np.ones(pixels.shape[:2], bool)
    mask[FACE] = False
    return pixels[mask]


def test_an_edit_changes_its_band_of_the_face_and_nothing_outside(run, photo, pixels):
    assert run("edit", photo("a.png"), "--smile", 2, "-o", "out").code == 0
    before, after = pixels("a.png").astype(int), pixels("out/a.png").astype(int)
    assert np.array_equal(outside_the_face(before), outside_the_face(after))
    # +2 moves red by 0.5 of the range -1..1, that is 64 levels, in the middle band alone.
    middle = (after - before)[44:52, 36:60]
    assert middle[..., 0].mean() == pytest.approx(64, abs=3)
    assert np.abs(middle[..., 1:]).max() == 0


def test_the_detail_of_the_photo_survives_an_edit(run, photo, pixels):
    run("edit", photo("a.png"), "--smile", 2, "-o", "out")
    before, after = pixels("a.png").astype(int), pixels("out/a.png").astype(int)
    change = (after - before)[46:50, 40:56, 0]
    assert before[46:50, 40:56, 0].std() > 8
    assert change.std() < 1


def test_fidelity_encode_shows_the_decoder(run, photo, pixels):
    run("edit", photo("a.png"), "--smile", 0, "--fidelity", "encode", "--crop", "-o", "out")
    crop = pixels("out/a.png")
    assert crop.shape == (64, 64, 3)
    assert crop[5:15].std(axis=(0, 1)).max() == 0  # a flat band


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_a_zero_edit_keeps_every_pixel(run, photo, pixels, workplace, suffix):
    Image.open(workplace / photo("a.png")).save(f"a.{suffix}", lossless=True)
    assert run("edit", f"a.{suffix}", "--smile", 0, "--age", "-0", "-o", "out").code == 0
    assert np.array_equal(pixels(f"a.{suffix}"), pixels(f"out/a.{suffix}"))


def test_presets_add_up(run, photo, pixels):
    run("edit", photo("a.png"), "--smile", 2, "--age", -2, "-o", "out")
    change = pixels("out/a.png").astype(int) - pixels("a.png")
    assert change[46:50, 40:56, 0].mean() > 50
    assert change[68:72, 40:56, 2].mean() < -50


class TestRange:
    def test_beyond_it_nothing_happens(self, run, photo, workplace):
        ended = run("edit", photo("a.png"), "--age", 2.5, "--smile", 3, "--json")
        assert ended.code == 2
        message = "--age +2.5 is beyond its natural range (-2 to +2); --force does it all the same"
        assert ended.json["error"]["message"] == message
        assert not (workplace / "facemod-output").exists()

    def test_force_goes_on_and_warns(self, run, photo):
        ended = run("edit", photo("a.png"), "--age", 2.5, "--smile", 3, "-q", "--force")
        assert ended.code == 0
        assert ended.err == "--age +2.5 is beyond its natural range (-2 to +2); expect artefacts\n"

    @pytest.mark.parametrize("text", ["much", "to:", "to:nan", "inf", "1to:1"])
    def test_what_is_no_strength(self, run, photo, text):
        ended = run("edit", photo("a.png"), "--smile", text)
        assert ended.code == 2
        assert "--smile" in ended.err


class TestLevels:
    """``--NAME to:LEVEL``; the toy smile's level is the redness of the middle band, over 0.25."""

    @pytest.mark.parametrize("red", [90, 150])
    def test_every_face_comes_to_the_same_level(self, run, photo, pixels, red):
        decoded = ("--crop", "--fidelity", "encode", "-o", "out")
        run("edit", photo("a.png", (red, 120, 150)), "--smile", "to:+1", *decoded)
        crop = pixels("out/a.png")
        assert crop[26:38, 20:44, 0].mean() == pytest.approx(127.5 * 1.25, abs=4)

    def test_strengths_and_levels_combine_in_any_order(self, run, photo, pixels):
        photo("a.png")
        run("edit", "a.png", "--smile", "to:-1", "--age", 1, "-o", "one")
        run("edit", "a.png", "--age", 1, "--smile", "to:-1", "-o", "two")
        assert np.array_equal(pixels("one/a.png"), pixels("two/a.png"))
        assert read_mark("one/a.png").recipe == "edit age=+1 smile=to:-1"

    def test_the_natural_range_ends_the_way(self, run, photo):
        words = ("edit", photo("a.png", (30, 120, 150)), "--smile", "to:+2")
        assert "note: face 1: --smile would need +5." in run(*words, "-o", "one").err
        assert "note" not in run(*words, "-o", "two", "--force").err


class TestLikeAnother:
    """``--NAME like:PHOTO``: to the level of the largest face of another photo."""

    def test_a_face_comes_to_the_level_of_the_other(self, run, photo, pixels):
        photo("a.png", (90, 120, 150))
        photo("other.png", (160, 120, 150))
        decoded = ("--crop", "--fidelity", "encode")
        ended = run("edit", "a.png", "--smile", "like:other.png", *decoded, "-o", "out")
        assert ended.code == 0
        assert pixels("out/a.png")[26:38, 20:44, 0].mean() == pytest.approx(160, abs=4)

    def test_the_mark_tells_the_level_and_not_the_name(self, run, photo):
        photo("a.png")
        photo("other.png", (160, 120, 150))
        run("edit", "a.png", "--smile", "like:other.png", "-o", "out.png")
        assert re.fullmatch(r"edit smile=to:[+-][0-9.]+", read_mark("out.png").recipe)

    def test_with_another_other_photo_nothing_is_taken_for_done(self, run, photo, pixels):
        photo("a.png")
        words = ("edit", "a.png", "--smile", "like:other.png", "-o", "out", "-q")
        photo("other.png", (130, 120, 150))
        run(*words)
        photo("other.png", (170, 120, 150))
        assert run(*words).code != 0  # another result is there
        assert run(*words, "--overwrite").code == 0

    @pytest.mark.parametrize(
        ("other", "what"),
        [("black.png", "like:black.png: no face was found"), ("none.png", "no such file")],
    )
    def test_a_photo_that_gives_nothing_ends_the_run(self, run, photo, workplace, other, what):
        photo("a.png")
        Image.new("RGB", (96, 96)).save("black.png")
        ended = run("edit", "a.png", "--smile", f"like:{other}", "-o", "out")
        assert ended.code != 0
        assert what in ended.err
        assert not (workplace / "out" / "a.png").exists()


class TestFaces:
    """``--faces`` on a photo of three, the rightmost of which is the largest."""

    @pytest.fixture
    def changed(self, run, photo, pixels):
        """Which of the faces 1, 2, 3 were edited."""

        def changed_by(*words) -> list[int]:
            ended = run("edit", photo("g.png", faces=3), "--smile", 2, *words, "-o", "out")
            assert ended.code == 0
            difference = pixels("out/g.png") != pixels("g.png")
            return [i + 1 for i in range(3) if difference[:, 96 * i : 96 * (i + 1)].any()]

        return changed_by

    def test_all_by_default(self, changed):
        assert changed() == [1, 2, 3]

    def test_the_largest(self, changed):
        assert changed("--faces", "largest") == [3]

    def test_by_number(self, changed):
        assert changed("--faces", "1,3") == [1, 3]

    def test_a_number_that_is_not_there(self, run, photo):
        ended = run("edit", photo("g.png", faces=3), "--smile", 1, "--faces", "2,4", "--json")
        assert ended.code == 4
        (outcome,) = ended.json["outcomes"]
        assert "there is no face 4, the photo has 3 faces" in outcome["error"]["message"]

    def test_every_face_is_reported_left_to_right(self, run, photo):
        ended = run("edit", photo("g.png", faces=3), "--smile", 1, "--json")
        faces = ended.json["outcomes"][0]["faces"]
        assert [face["index"] for face in faces] == [1, 2, 3]
        assert faces[0]["box"][2] < faces[1]["box"][0] < faces[1]["box"][2] < faces[2]["box"][0]


class TestOtherResults:
    """``--crop`` and ``--compare``."""

    def test_crop_is_the_edited_square(self, run, photo, pixels, workplace):
        # Its colours have to survive JPEG: a photo of one tone would stay in it.
        Image.open(workplace / photo("a.png")).save("a.jpg", quality=95, subsampling=0)
        run("edit", "a.jpg", "--smile", 2, "--crop")
        crop = pixels("facemod-output/a.png")
        assert crop.shape == (64, 64, 3)
        assert crop[28:36, 20:44, 0].mean() == pytest.approx(90 + 64, abs=5)

    def test_crops_of_several_faces_share_a_picture(self, run, photo, pixels):
        run("edit", photo("g.png", faces=3), "--smile", 2, "--crop")
        assert pixels("facemod-output/g.png").shape == (64, 3 * 64 + 2 * 8, 3)

    def test_compare_is_the_photo_before_and_after(self, run, photo, pixels):
        run("edit", photo("a.png"), "--smile", 2, "--compare")
        both = pixels("facemod-output/a.compare.png")
        assert both.shape == (96, 96 + 8 + 96, 3)
        assert np.array_equal(both[:, :96], pixels("a.png"))
        assert not np.array_equal(both[:, 104:], pixels("a.png"))
        assert np.array_equal(outside_the_face(both[:, 104:]), outside_the_face(pixels("a.png")))

    def test_compare_of_crops(self, run, photo, pixels):
        run("edit", photo("a.png"), "--smile", 2, "--compare", "--crop")
        assert pixels("facemod-output/a.compare.png").shape == (64, 64 + 8 + 64, 3)


class TestMark:
    """What the result says about itself."""

    @pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
    def test_an_edited_photo_is_marked_with_the_recipe(self, run, photo, suffix):
        run("edit", photo(f"Jane Doe.{suffix}"), "--smile", 1.5, "--age", -1, "-o", "secret")
        mark = read_mark(f"secret/Jane Doe.{suffix}")
        assert (mark.kind, mark.tool) == ("composite", f"facemod {__version__}")
        assert mark.recipe == "edit age=-1 smile=+1.5"

    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            ((), "composite"),
            (("--crop",), "composite"),
            (("--fidelity", "encode"), "composite"),
            (("--fidelity", "encode", "--compare", "--crop"), "composite"),
            (("--fidelity", "encode", "--crop"), "synthetic"),
        ],
    )
    def test_only_decoded_pixels_are_synthetic(self, run, photo, words, kind):
        run("edit", photo("a.png"), "--smile", 1, *words, "-o", "out.png")
        assert read_mark("out.png").kind == kind

    def test_no_mark_is_said_aloud(self, run, photo):
        ended = run("edit", photo("a.png"), "--smile", 1, "--no-mark", "-q")
        assert ended.code == 0
        expected = "--no-mark: results do not say that they were edited with AI\n"
        assert ended.err == expected
        assert read_mark("facemod-output/a.png") is None


def test_losses_are_said(run, photo, workplace):
    Image.open(workplace / photo("a.png")).convert("CMYK").save("a.jpg")
    ended = run("edit", "a.jpg", "--smile", 1)
    assert "note: CMYK" in ended.err
