"""``facemod align``, ``reconstruct``, ``grid`` and ``sample``."""

from __future__ import annotations

import numpy as np
import pytest

from facemod.imaging.marking import read_mark


class TestAlign:
    def test_faces_as_squares(self, run, photo, pixels):
        assert run("align", photo("a.jpg"), photo("g.png", faces=2), "-o", "out").code == 0
        assert pixels("out/a.face.png").shape == (64, 64, 3)
        assert pixels("out/g.face.png").shape == (64, 64 + 8 + 64, 3)

    def test_scores_say_how_sure_the_detector_was(self, run, photo):
        (outcome,) = run("align", photo("a.png"), "--json").json["outcomes"]
        assert outcome["faces"][0]["scores"] == {"verify": 7.0}

    def test_an_edited_photo_stays_marked(self, run, photo):
        run("edit", photo("a.png"), "--smile", 1, "-o", "edited.png")
        run("align", "a.png", "edited.png", "-o", "out")
        assert read_mark("out/a.face.png") is None
        assert read_mark("out/edited.face.png").recipe == "edit smile=+1"


class TestReconstruct:
    def test_both_pictures_and_scores(self, run, photo, pixels):
        ended = run("reconstruct", photo("a.jpg"), "-o", "out", "--json")
        (outcome,) = ended.json["outcomes"]
        assert outcome["output"] == "out/a.reconstruction.png"
        assert 10 < outcome["faces"][0]["scores"]["psnr"] < 40
        before, after = pixels("out/a.input.png"), pixels("out/a.reconstruction.png")
        assert before.shape == after.shape == (64, 64, 3)
        assert after[5:15].std(axis=(0, 1)).max() == 0  # a flat band
        assert before[5:15].std() > 5

    def test_only_the_decoded_picture_is_marked(self, run, photo):
        run("reconstruct", photo("a.png"), "-o", "out")
        assert read_mark("out/a.reconstruction.png").kind == "synthetic"
        assert read_mark("out/a.input.png") is None

    @pytest.mark.parametrize("name", ["a.input.png", "a.reconstruction.png"])
    def test_either_file_may_be_in_the_way(self, run, photo, workplace, name, visible):
        old = (workplace / photo(f"out/{name}")).read_bytes()
        photo("a.png")
        assert run("reconstruct", "a.png", "-o", "out").code == 6
        # --skip-existing writes what is missing and keeps what is there.
        assert run("reconstruct", "a.png", "-o", "out", "--skip-existing").code == 0
        assert (workplace / "out" / name).read_bytes() == old
        assert len(visible(workplace / "out")) == 2
        skipped = run("reconstruct", "a.png", "-o", "out", "--skip-existing", "--json")
        assert skipped.json["outcomes"][0]["status"] == "skipped"
        assert run("reconstruct", "a.png", "-o", "out", "--overwrite").code == 0
        assert (workplace / "out" / name).read_bytes() != old

    def test_two_photos_of_one_name_keep_their_suffix(self, run, photo, workplace, visible):
        assert run("reconstruct", photo("a.png"), photo("a.jpg")).code == 0
        names = [
            f"a.{suffix}.{kind}.png"
            for suffix in ("jpg", "png")
            for kind in ("input", "reconstruction")
        ]
        assert visible(workplace / "facemod-output") == names

    def test_neither_file_may_replace_a_photo(self, run, photo):
        photos = (photo("a.png"), photo("a.input.png"))
        assert run("reconstruct", *photos, "-o", ".", "--overwrite").code == 2

    def test_one_file_is_not_enough(self, run, photo):
        ended = run("reconstruct", photo("a.png"), "-o", "out.png")
        assert ended.code == 2
        assert "one file cannot hold 2 results" in ended.err


class TestGrid:
    RED, GREEN, BLUE, WHITE = (190, 60, 60), (60, 190, 60), (60, 60, 190), (250, 250, 250)

    @pytest.fixture
    def cells(self, run, photo, pixels):
        """The mean colour of the top of each cell."""

        def draw(*words: str) -> list[list[tuple[int, ...]]]:
            rows = photo("r1.png", self.RED), photo("r2.png", self.GREEN)
            photo("c1.png", self.BLUE)
            ended = run("grid", *rows, "--with", "c1.png", "--size", "64", *words, "-o", "g.png")
            assert ended.code == 0, ended.err
            picture = pixels("g.png")
            assert picture.shape == (3 * 64 + 2 * 8, 2 * 64 + 8, 3)
            tops = [[picture[y + 4 : y + 16, x : x + 64] for x in (0, 72)] for y in (0, 72, 144)]
            return [[tuple(top.mean(axis=(0, 1))) for top in row] for row in tops]

        return draw

    def test_rows_take_the_coarse_scales_of_columns(self, cells):
        expected = [(255,) * 3, self.BLUE], [self.RED, self.BLUE], [self.GREEN, self.BLUE]
        assert cells() == [[pytest.approx(c, abs=4) for c in row] for row in expected]

    def test_or_others(self, cells):
        expected = [(255,) * 3, self.BLUE], [self.RED, self.RED], [self.GREEN, self.GREEN]
        got = cells("--scale", "fine")
        assert got == [[pytest.approx(c, abs=4) for c in row] for row in expected]

    def test_unknown_scale(self, run, photo):
        ended = run("grid", photo("a.png"), "--with", photo("b.png"), "--scale", "huge")
        assert ended.code == 2
        assert "--scale huge: unknown; choose coarse, mid or fine" in ended.err

    def test_mark(self, run, photo):
        run("grid", photo("Jane.png"), "--with", photo("John.png"), "-o", "g.png")
        assert read_mark("g.png").recipe == "grid coarse 1x1"
        assert read_mark("g.png").kind == "synthetic"


class TestSample:
    def test_a_seed_gives_the_same_faces(self, run, workplace):
        first = run("sample", "-n", 3, "--seed", 7, "-o", "one", "--json")
        run("sample", "-n", 3, "--seed", 7, "-o", "two")
        run("sample", "-n", 3, "--seed", 8, "-o", "three")
        assert [o["output"] for o in first.json["outcomes"]] == [
            f"one/seed7-00{i}.png" for i in range(3)
        ]
        one, two, three = (
            [path.read_bytes() for path in sorted((workplace / folder).iterdir())]
            for folder in ("one", "two", "three")
        )
        assert one == two
        assert len({*one, *three}) == 6

    def test_more_faces_of_a_seed_go_on_where_fewer_ended(self, run):
        run("sample", "-n", 1, "--seed", 7)
        assert run("sample", "-n", 12, "--seed", 7).code == 6
        more = run("sample", "-n", 12, "--seed", 7, "--skip-existing", "--json")
        assert [o["status"] for o in more.json["outcomes"]] == ["skipped", *["done"] * 11]

    def test_no_variety_at_truncation_0(self, run, pixels):
        run("sample", "-n", 2, "--truncation", 0)
        first, second = (pixels(f"facemod-output/seed0-00{i}.png") for i in range(2))
        assert np.array_equal(first, second)

    def test_scales_of_a_photo(self, run, photo, pixels):
        photo("a.png", (190, 60, 60))
        run("sample", "-n", 2, "--seed", 3, "--coarse-from", "a.png")
        first, second = (pixels(f"facemod-output/seed3-00{i}.png").astype(int) for i in range(2))
        assert first[2:19].mean(axis=(0, 1)) == pytest.approx((190, 60, 60), abs=5)
        assert np.array_equal(first[2:19], second[2:19])
        assert np.abs(first[45:62] - second[45:62]).mean() > 5

    def test_a_photo_without_a_face(self, run, photo, workplace):
        ended = run("sample", "--mid-from", photo("a.png", faces=0), "--json")
        assert (ended.code, ended.json["outcomes"][0]["status"]) == (4, "no-face")
        assert not (workplace / "facemod-output").exists()

    def test_the_mark_holds_the_seed_and_no_name(self, run, photo):
        run("sample", "-n", 1, "--seed", 7, "--fine-from", photo("Jane.png"), "-o", "x.png")
        assert read_mark("x.png").recipe == "sample seed=7 truncation=0.7 fine=photo"
        assert read_mark("x.png").kind == "synthetic"

    def test_the_photo_is_never_replaced(self, run, photo):
        words = ("--coarse-from", photo("a.png"), "-o", "a.png", "--overwrite")
        assert run("sample", "-n", 1, *words).code == 2

    def test_one_file_for_one_face_only(self, run):
        assert run("sample", "-n", 2, "-o", "x.png").code == 2
