"""``facemod mix``: which photo gives what, and how photos are called."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FailingModel, FakeModel
from PIL import Image

from facemod.imaging.marking import read_mark

# What the fake model paints into its three bands.
TOP, MIDDLE, BOTTOM = slice(2, 19), slice(24, 40), slice(45, 62)
RED, GREEN, BLUE = (190, 60, 60), (60, 190, 60), (60, 60, 190)


@pytest.fixture
def mixed(run, photo, pixels):
    """Mix red a.png, green b.png and blue c.jpg; the colours of the three bands of the base."""

    def mix(*words: str, base: str = "a.png") -> list[tuple[int, ...]]:
        photo("a.png", RED), photo("b.png", GREEN), photo("c.jpg", BLUE)
        others = sorted({"a.png", "b.png", "c.jpg"} - {base})
        ended = run("mix", base, *others, *words, "--crop", "--fidelity", "encode", "-o", "out")
        assert ended.code == 0, ended.err
        bands = [pixels(f"out/{base}")[band].mean(axis=(0, 1)) for band in (TOP, MIDDLE, BOTTOM)]
        return [tuple(int(round(v / 65) * 65 - 5) for v in band) for band in bands]

    return mix


@pytest.mark.parametrize(
    ("words", "bands"),
    [
        (("--coarse-from", "b"), [GREEN, RED, RED]),
        (("--mid-from", "b"), [RED, GREEN, RED]),
        (("--fine-from", "b"), [RED, RED, GREEN]),
        (("--coarse-from", "b", "--fine-from", "c"), [GREEN, RED, BLUE]),
        (("--slots", "3-8=b"), [RED, GREEN, RED]),
        (("--slots", "0-2=b", "--slots", "9-15=c"), [GREEN, RED, BLUE]),
        # Slots come after scales.
        (("--mid-from", "b", "--slots", "3-8=c"), [RED, BLUE, RED]),
        (("--slots", "0-15=c"), [BLUE, BLUE, BLUE]),
    ],
)
def test_what_comes_from_where(mixed, words, bands):
    assert mixed(*words) == [pytest.approx(colour, abs=5) for colour in bands]


def test_half_of_a_scale(mixed):
    top, middle, bottom = mixed("--slots", "3-5=b")
    assert middle == pytest.approx((125, 125, 60), abs=5)
    assert (top, bottom) == (pytest.approx(RED, abs=5), pytest.approx(RED, abs=5))


def test_swapping_the_photos_swaps_the_result(mixed):
    assert mixed("--coarse-from", "b") == [pytest.approx(c, abs=5) for c in (GREEN, RED, RED)]
    swapped = mixed("--coarse-from", "a", "--overwrite", base="b.png")
    assert swapped == [pytest.approx(c, abs=5) for c in (RED, GREEN, GREEN)]


@pytest.mark.parametrize("name", ["c", "c.jpg", "3"])
def test_names_of_photos(mixed, name):
    assert mixed("--mid-from", name)[1] == pytest.approx(BLUE, abs=5)


def test_a_photo_may_be_called_as_it_was_given(run, photo):
    photos = [photo("one/a.png"), photo("two/a.png")]
    ended = run("mix", *photos, "--coarse-from", "two/a.png", "-o", "out.png")
    assert ended.code == 0
    assert read_mark("out.png").recipe == "mix coarse=photo2"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (
            ("--coarse-from", "d"),
            "--coarse-from d: no photo goes by this name; use a number: 1 = a.png, 2 = b.png",
        ),
        (("--coarse-from", "3"), "no photo goes by this name"),
        (("--slots", "3-8=d"), "--slots d: no photo goes by this name"),
        (("--slots", "3-8"), "--slots 3-8: expected FIRST-LAST=PHOTO, for example 3-8=b"),
        (("--slots", "8-3=b"), "expected FIRST-LAST=PHOTO"),
        (("--slots", "3-=b"), "expected FIRST-LAST=PHOTO"),
        (("--slots", "²=b"), "expected FIRST-LAST=PHOTO"),
        (("--slots", "3-16=b"), "--slots 3-16=b: this model has slots 0 to 15"),
        ((), "nothing to mix: give --coarse-from"),
    ],
)
def test_what_cannot_be_mixed(run, photo, words, complaint):
    ended = run("mix", photo("a.png"), photo("b.png"), *words)
    assert ended.code == 2
    assert complaint in ended.err


def test_an_ambiguous_name(run, photo):
    ended = run("mix", photo("one/a.png"), photo("two/a.png"), "--coarse-from", "a")
    assert ended.code == 2
    assert "several photos go by this name; use a number: 1 = a.png, 2 = a.png" in ended.err


def test_one_photo_is_not_enough(run, photo):
    assert run("mix", photo("a.png"), "--coarse-from", "a").code == 2
    assert "no photos" in run("mix", "--coarse-from", "1").err


def test_the_whole_photo_is_kept_around_the_mix(run, photo, pixels):
    run("mix", photo("a.png", RED), photo("b.png", GREEN), "--mid-from", "b", "-o", "out.png")
    before, after = pixels("a.png"), pixels("out.png")
    assert after.shape == before.shape
    changed = np.argwhere((before != after).any(axis=2))
    assert len(changed) > 300
    assert changed.min() >= 18
    assert changed.max() <= 77


def test_mixing_a_photo_with_itself_changes_nothing(run, photo, pixels):
    run("mix", photo("a.png"), "a.png", "--coarse-from", "2", "-o", "out.png")
    assert np.array_equal(pixels("a.png"), pixels("out.png"))


def test_the_recipe_tells_photos_by_number(run, photo):
    photos = [photo("Jane.png"), photo("John.png"), photo("Judy.png")]
    words = ("--coarse-from", "Judy", "--slots", "3-8=John", "--slots", "9=Judy.png")
    run("mix", *photos, *words, "-o", "out.png")
    assert read_mark("out.png").recipe == "mix coarse=photo3 3-8=photo2 9-9=photo3"
    assert read_mark("out.png").kind == "composite"


def test_the_base_may_have_several_faces(run, photo, pixels):
    photos = (photo("g.png", RED, faces=2), photo("b.png", GREEN))
    ended = run("mix", *photos, "--mid-from", "b", "--faces", "all", "-o", "out.png", "--json")
    assert [len(outcome["faces"]) for outcome in ended.json["outcomes"]] == [2, 1]
    changed = (pixels("g.png") != pixels("out.png")).any(axis=(0, 2))
    assert changed[:96].any()
    assert changed[96:].any()


class CountingModel(FakeModel):
    """Counts the faces that it encodes."""

    faces = 0

    def encode(self, images):
        self.faces += len(images)
        return super().encode(images)


class TestMany:
    """Many photos, each mixed by itself with what the same others give."""

    @pytest.fixture
    def mix(self, run):
        """Mix ``in/`` and more with the middle scales of ``donor.png``."""
        return lambda *words: run("mix", *words, "--mid-from", "donor.png", "--json")

    @pytest.fixture(autouse=True)
    def photos(self, photo):
        photo("in/a.png", RED), photo("in/sub/b.png", BLUE), photo("donor.png", GREEN)

    def test_a_folder(self, mix, use_model, pixels):
        use_model(model := CountingModel())
        ended = mix("in", "-r", "--crop", "--fidelity", "encode")
        told = [(o["input"], o["output"], o["status"]) for o in ended.json["outcomes"]]
        assert told == [
            ("in/a.png", "facemod-output/a.png", "done"),
            ("in/sub/b.png", "facemod-output/sub/b.png", "done"),
            ("donor.png", None, "done"),
        ]
        assert (ended.code, model.faces) == (0, 3)  # the donor once
        for name, top in (("a", RED), ("sub/b", BLUE)):
            bands = [pixels(f"facemod-output/{name}.png")[b].mean((0, 1)) for b in (TOP, MIDDLE)]
            assert bands == [pytest.approx(top, abs=8), pytest.approx(GREEN, abs=8)]

    def test_the_same_command_goes_on(self, mix, photo, use_model, pixels):
        mix("in")
        photo("in/c.png")
        use_model(model := CountingModel())
        ended = mix("in")
        assert [o["status"] for o in ended.json["outcomes"]] == ["skipped", "done", "done"]
        assert model.faces == 2
        before = pixels("facemod-output/c.png")
        photo("donor.png", BLUE)
        assert mix("in").code == 6  # made with another donor
        assert mix("in", "--overwrite").code == 0
        assert not np.array_equal(pixels("facemod-output/c.png"), before)

    def test_one_bad_photo_does_not_stop_the_rest(self, mix, photo, run):
        photo("in/dark.png", faces=0)
        ended = mix("in", "missing.png")
        assert ended.code == 5
        states = [o["status"] for o in ended.json["outcomes"]]
        assert states == ["done", "no-face", "failed", "done"]
        skipped = mix("in", "--on-no-face", "copy", "--overwrite")
        assert (skipped.code, skipped.json["outcomes"][1]["output"]) == (
            0, "facemod-output/dark.png"
        )  # fmt: skip

    def test_a_photo_of_the_folder_may_give(self, run, photo):
        ended = run("mix", "in", photo("in/c.png"), "--mid-from", "c", "--json")
        told = [(o["input"], o["output"]) for o in ended.json["outcomes"]]
        assert told == [("in/a.png", "facemod-output/a.png"), ("in/c.png", "facemod-output/a.png")]

    def test_a_bad_donor_costs_nothing(self, mix, photo, workplace, use_model):
        photo("donor.png", faces=0)
        ended = mix("in", "-r")
        states = [(o["input"], o["status"]) for o in ended.json["outcomes"]]
        assert states == [
            ("in/a.png", "skipped"), ("in/sub/b.png", "skipped"), ("donor.png", "no-face")
        ]  # fmt: skip
        assert ended.code == 4
        assert not (workplace / "facemod-output").exists()

    def test_retry_failed(self, mix, photo, workplace):
        photo("in/a.png", faces=0)
        assert mix("in").code == 4
        photo("in/a.png", RED)
        (log,) = (workplace / "facemod-output/.facemod").glob("*.jsonl")
        ended = mix("--retry-failed", log)
        assert [o["status"] for o in ended.json["outcomes"]] == ["done", "done"]

    def test_shards_agree_on_who_gives(self, run, photo):
        names = [photo(f"in/{name}.png") for name in "cdefgh"]
        done = []
        for shard in ("1/2", "2/2"):
            ended = run("mix", "in", "--mid-from", "c", "--shard", shard, "--json")
            assert ended.code == 0
            done += [o["input"] for o in ended.json["outcomes"][:-1]]
        assert sorted(done) == ["in/a.png", *map(str, names[1:])]

    def test_lines_and_plans(self, run, use_model, workplace):
        words = ("mix", "in", "-r", "--mid-from", "donor.png")
        lines = run(*words, "--jsonl").out.splitlines()
        assert len(lines) == 4  # two photos, the donor, the envelope
        use_model(FailingModel(AssertionError("no model is needed")))
        plan = run(*words, "--dry-run", "--json").json["data"]
        assert [job["state"] for job in plan["jobs"]] == ["made before", "made before"]

    def test_what_gives_is_never_replaced(self, mix, workplace):
        Image.open("donor.png").save("in/donor.png")
        ended = mix("in/donor.png", "-o", ".", "--overwrite")
        assert ended.code == 2
        assert "never edited in place" in ended.json["error"]["message"]
