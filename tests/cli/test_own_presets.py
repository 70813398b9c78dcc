"""``facemod presets`` beyond looking: learning, drawing, and handling files of one's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from facemod.cli.preset_options import strengths_group
from facemod.files.folders import presets_folder
from facemod.imaging.marking import read_mark
from facemod.latent import presets
from facemod.latent.presets import get_preset

RED, GRAY, BLUE = (220, 110, 110), (110, 110, 110), (110, 110, 220)


@pytest.fixture(autouse=True)
def own_folder(toy_presets: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy presets came with facemod; the user's own are in an empty folder."""
    monkeypatch.setenv("FACEMOD_PRESETS_DIR", str(workplace / "own"))
    monkeypatch.setattr(presets, "preset_folders", lambda: [toy_presets, presets_folder()])
    return workplace / "own"


@pytest.fixture
def photos(photo):
    """Three red photos and three gray ones."""
    for i in range(3):
        photo(f"red/{i}.png", RED)
        photo(f"gray/{i}.png", GRAY)


LEARN = ("presets", "learn", "blush", "--with", "red", "--without", "gray")


class TestLearn:
    def test_a_preset_is_there_at_once(self, run, photos, own_folder):
        ended = run(*LEARN)
        assert ended.code == 0, ended.err
        preset = get_preset("blush")
        assert preset.path == own_folder / "blush.safetensors"
        assert preset.direction()[:, 0].sum() > 3 * abs(preset.direction()[:, 1].sum())
        assert "preset_blush" in strengths_group().__dataclass_fields__
        assert "try it: facemod edit PHOTO --blush +1" in ended.err

    def test_it_says_how_well_it_tells_and_what_else_moves(self, run, photos):
        ended = run(*LEARN, "--json")
        data = ended.json["data"]
        assert data["agreement"] == 1
        # The toy smile is redness, too; the toy age is blueness.
        assert data["effects"]["smile"] > 5 * abs(data["effects"]["age"])
        assert len(ended.json["outcomes"]) == 6
        assert re.search(r"\+1 also moves smile +\+\d", run(*LEARN, "--overwrite").out)

    def test_it_may_be_for_a_part_of_the_face(self, run, photos):
        assert run(*LEARN, "--only", "mouth, nose").code == 0
        assert get_preset("blush").region == (presets.PLACES["mouth"], presets.PLACES["nose"])
        assert re.search(r"shows on +mouth, nose", run("presets", "show", "blush").out)
        ended = run(*LEARN, "--overwrite", "--only", "mouth,ears")
        assert ended.code == 2
        assert "--only ears: places on the face are lower-face, mouth" in ended.err

    def test_guards_hold_still(self, run, photo, photos):
        photo("red/blue.png", (220, 110, 220))
        free = run(*LEARN, "--json").json["data"]["effects"]["age"]
        held = run(*LEARN, "--json", "--overwrite", "--guard", "age").json["data"]["effects"]["age"]
        assert abs(held) < 0.02 < abs(free)
        assert get_preset("blush").guards == ("age",)

    def test_a_table_of_scores(self, run, photo, workplace):
        reds = (60, 100, 140, 180)
        for i, red in enumerate(reds):
            photo(f"set/{i}.png", (red, 110, 110))
        lines = [f"{i}.png,{red}" for i, red in enumerate(reds)]
        (workplace / "set" / "scores.csv").write_text("\n".join(["photo,score", *lines]))
        ended = run("presets", "learn", "blush", "--labels", "set/scores.csv", "-o", "out")
        assert ended.code == 0, ended.err
        assert presets.read_preset(Path("out/blush.safetensors")).direction()[:, 0].sum() > 0

    def test_photos_without_a_face_are_left_out_and_told(self, run, photo, photos):
        photo("red/dark.png", faces=0)
        ended = run(*LEARN, "--json")
        assert ended.code == 5
        assert [o["status"] for o in ended.json["outcomes"]].count("no-face") == 1
        assert get_preset("blush").source == "learnt from 6 photos"

    def test_one_kind_of_photo_is_not_enough(self, run, photo, photos):
        photo("black/a.png", faces=0)
        ended = run("presets", "learn", "blush", "--with", "red", "--without", "black", "--json")
        assert ended.code == 2
        assert "too few" in ended.json["error"]["message"]

    @pytest.mark.parametrize(
        ("words", "hint"),
        [
            (("presets", "learn", "smile", "--with", "red", "--without", "gray"), "smile already"),
            (("presets", "learn", "crop", "--with", "red", "--without", "gray"), "is an option"),
            (("presets", "learn", "No", "--with", "red", "--without", "gray"), "cannot be"),
            (("presets", "learn", "blush", "--with", "red"), "--without"),
            (("presets", "learn", "blush"), "--labels"),
            ((*LEARN, "--labels", "a.csv"), "--labels"),
            ((*LEARN, "--guard", "smle"), "did you mean smile"),
            ((*LEARN, "-o", "other.safetensors"), r"called blush\.safetensors"),
        ],
    )
    def test_what_cannot_be_learnt(self, run, photos, words, hint, own_folder):
        ended = run(*words)
        assert ended.code == 2
        assert re.search(hint, ended.err)
        assert not own_folder.exists()

    def test_nothing_is_replaced_unasked(self, run, photos):
        assert run(*LEARN, "-o", "out").code == 0
        assert run(*LEARN, "-o", "out").code == 6
        assert run(*LEARN, "-o", "out", "--overwrite").code == 0

    @pytest.mark.parametrize("text", ["", "photo,score\n", "a.png,1\nb.png,much", "a.png;1"])
    def test_tables_that_make_no_sense(self, run, workplace, text):
        (workplace / "t.csv").write_text(text)
        ended = run("presets", "learn", "blush", "--labels", "t.csv")
        assert ended.code == 3
        assert "t.csv" in ended.err


class TestSheet:
    def test_rows_are_presets_and_columns_strengths(self, run, photo, pixels):
        words = ("presets", "sheet", "smile", "age", photo("a.png"), "--strengths", "-2,0,2")
        assert run(*words, "--size", 64, "-o", "s.png").code == 0
        sheet = pixels("s.png")
        assert sheet.shape[1] == 3 * 64 + 2 * 8
        row = sheet.shape[0] - (sheet.shape[0] + 8) // 2
        middle, left, right = slice(28, 36), slice(20, 44), slice(164, 188)
        change = sheet[middle, right].astype(int) - sheet[middle, left]
        assert change[..., 0].mean() > 60 > 10 > abs(change[..., 2].mean())
        below = sheet[row + 54 : row + 60, right].astype(int) - sheet[row + 54 : row + 60, left]
        assert below[..., 2].mean() > 60
        assert read_mark("s.png").kind == "composite"

    def test_without_names_every_preset_beside_the_photo(self, run, photo, pixels):
        ended = run("presets", "sheet", photo("a.png"), "--size", 64, "-o", "s.png", "--json")
        assert ended.json["data"]["strengths"] == {"smile": ["-1", "+1"], "age": ["-1", "+1"]}
        sheet = pixels("s.png")
        assert sheet.shape[1] == 6 * 64 + 5 * 8
        run("align", "a.png", "-o", "aligned.png")
        assert np.array_equal(sheet[:64, :64], pixels("aligned.png"))
        assert (sheet[:64, 72:136] == 255).all()

    @pytest.mark.parametrize(
        ("words", "code"),
        [
            (("smile",), 2),
            (("smle", "a.png"), 2),
            (("smile", "a.png", "--strengths", "1,much"), 2),
            (("smile", "missing.png"), 3),
        ],
    )
    def test_what_cannot_be_drawn(self, run, photo, words, code):
        photo("a.png")
        assert run("presets", "sheet", *words, "-o", "s.png").code == code
        assert not Path("s.png").exists()

    def test_columns_stay_in_each_presets_range(self, run, photo, pixels):
        words = ("presets", "sheet", "smile", "age", photo("a.png"))
        assert run(*words, "-o", "s.png", "--json").json["data"]["strengths"] == {
            "smile": ["-3", "-1.5", "+0", "+1.5", "+3"],
            "age": ["-2", "-1", "+0", "+1", "+2"],
        }
        ended = run(*words, "--strengths", "0,3", "-o", "t.png")
        assert ended.code == 2
        assert "--age +3 is beyond its natural range (-2 to +2)" in ended.err
        assert not Path("t.png").exists()
        assert run(*words, "--strengths", "0,3", "--force", "-o", "t.png").code == 0


class TestGallery:
    def test_every_preset_on_every_face(self, run, workplace):
        ended = run("presets", "gallery", "--size", 32, "--faces", 3)
        assert ended.code == 0
        text = (workplace / "gallery.html").read_text()
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
        strengths = {p["name"]: p["strengths"] for p in data["presets"]}
        assert strengths == {"smile": [-3, -1.5, 0, 1.5, 3], "age": [-2, -1, 0, 1, 2]}
        pictures = [face for preset in data["presets"] for face in preset["pictures"]]
        assert len(pictures) == 6
        assert all(len(set(face)) == 5 for face in pictures)

    def test_on_photos_of_ones_own(self, run, photo, workplace):
        photos = [photo("a.png"), photo("b.png", (150, 90, 90))]
        ended = run("presets", "gallery", "smile", *photos, "--size", 32, "--json")
        assert [outcome["status"] for outcome in ended.json["outcomes"]] == ["done", "done"]
        text = (workplace / "gallery.html").read_text()
        data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])
        assert data["about"].startswith("The faces of your photos")
        (smile,) = data["presets"]
        assert len({picture for face in smile["pictures"] for picture in face}) == 10
        assert run("presets", "gallery", "--size", 32, "--overwrite").code == 0
        assert "who do not exist" in (workplace / "gallery.html").read_text()

    @pytest.mark.parametrize(("word", "code"), [("smle", 2), ("no.jpg", 3), ("black.png", 4)])
    def test_words_that_are_neither(self, run, photo, workplace, word, code):
        photo("black.png", faces=0)
        assert run("presets", "gallery", word).code == code
        assert not (workplace / "gallery.html").exists()

    def test_chosen_presets(self, run, workplace):
        assert run("presets", "gallery", "age", "--size", 32, "-o", "age.html").code == 0
        assert '"smile"' not in (workplace / "age.html").read_text()

    def test_places_that_will_not_do(self, run, workplace):
        assert run("presets", "gallery", "-o", "page.png").code == 2
        (workplace / "gallery.html").write_text("mine")
        assert run("presets", "gallery").code == 6
        assert (workplace / "gallery.html").read_text() == "mine"


class TestFiles:
    def test_a_life(self, run, photos, own_folder, workplace):
        run(*LEARN)
        assert run("presets", "rename", "blush", "flush").code == 0
        assert run("presets", "export", "flush", "-o", "given").code == 0
        assert run("presets", "remove", "flush").code == 0
        assert not list(own_folder.iterdir())
        ended = run("presets", "import", "given/flush.safetensors", "--name", "glow", "--json")
        assert ended.code == 0, ended.json["error"]
        assert ended.json["data"]["file"] == str(own_folder / "glow.safetensors")
        assert get_preset("glow").direction().any()

    def test_a_new_name_changes_the_meaning_that_was_made_of_the_old_one(self, run, photos):
        run(*LEARN)
        assert run("presets", "rename", "blush", "flush").code == 0
        assert get_preset("flush").meaning == "more flush, or less"
        run(*LEARN, "--meaning", "red cheeks")
        assert run("presets", "rename", "blush", "glow").code == 0
        assert get_preset("glow").meaning == "red cheeks"

    def test_export_takes_the_place_as_people_type_it(self, run, photos, workplace):
        run(*LEARN)
        (workplace / "folder").mkdir()
        assert run("presets", "export", "blush", "folder").code == 0
        assert run("presets", "export", "blush", "mine.safetensors").code == 0
        assert (workplace / "folder" / "blush.safetensors").is_file()
        assert (workplace / "mine.safetensors").is_file()
        ended = run("presets", "import", "mine.safetensors")
        assert ended.code == 2
        assert "a preset is called blush already" in ended.err
        assert "--name gives it another" in ended.err
        assert run("presets", "import", "mine.safetensors", "--name", "mine").code == 0

    def test_a_bad_file(self, run, workplace):
        (workplace / "x.safetensors").write_text("rubbish")
        ended = run("presets", "import", "x.safetensors", "--json")
        assert ended.code == 7
        assert "x.safetensors" in ended.json["error"]["message"]

    def test_bundled_ones_stay(self, run):
        assert run("presets", "remove", "smile").code == 2
        assert run("presets", "rename", "smile", "grin").code == 2
