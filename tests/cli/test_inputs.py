"""What photos a command takes: folders, rubbish among good ones, odd names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from fakes import FailingModel

from facemod.imaging import writing
from facemod.jobs.inputs import WRITABLE_SUFFIXES


@pytest.fixture
def edit(run):
    """Run ``facemod edit --smile 1 --json`` on something."""
    return lambda *words: run("edit", *words, "--smile", 1, "--json")


def statuses(ended) -> dict[str, str]:
    return {o["input"]: o["status"] for o in ended.json["outcomes"]}


def reason(ended, name: str) -> str:
    (outcome,) = [o for o in ended.json["outcomes"] if Path(o["input"]).name == name]
    assert outcome["status"] == "failed"
    assert outcome["output"] is None
    return outcome["error"]["message"]


def test_rubbish_in_a_folder_fails_alone(edit, photo, workplace, visible):
    good = [photo(f"photos/{name}") for name in ("a.png", "b with spaces.jpg", "ünïcødé 顔.png")]
    folder = workplace / "photos"
    (folder / "link.png").symlink_to(folder / "a.png")
    (folder / "broken link.png").symlink_to(folder / "nowhere.png")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:2000])
    (folder / "text.jpg").write_text("dear diary")
    (folder / "empty.png").touch()
    (folder / "folder.jpg").mkdir()
    (folder / "notes.txt").write_text("not even tried")
    (folder / ".hidden.png").write_text("nor this")
    ended = edit("photos", "-o", "out")
    assert ended.code == 5
    done = [str(path) for path in good] + ["photos/link.png"]
    bad = ["broken link.png", "cut.png", "text.jpg", "empty.png"]
    assert statuses(ended) == dict.fromkeys(done, "done") | {f"photos/{n}": "failed" for n in bad}
    assert "no such file" in reason(ended, "broken link.png")
    assert "damaged or cut short" in reason(ended, "cut.png")
    assert "not a picture" in reason(ended, "text.jpg")
    assert "0 bytes" in reason(ended, "empty.png")
    assert visible(workplace / "out") == sorted(Path(path).name for path in done)


def test_folders_that_are_called_as_photos(edit, run, photo, workplace):
    inner = str(photo("photos/alb.jpg/inner.png"))
    outer = str(photo("photos/outer.png"))
    assert statuses(edit("photos", "-o", "flat")) == {outer: "done"}
    assert statuses(edit("photos", "-r", "-o", "deep")) == {inner: "done", outer: "done"}
    assert (workplace / "deep" / "alb.jpg" / "inner.png").is_file()
    assert statuses(edit("photos/alb.jpg", "-o", "named")) == {inner: "done"}
    assert statuses(edit("photos/*", "-o", "glob")) == {outer: "done"}


@pytest.mark.parametrize("verb", ["edit", "align", "reconstruct"])
def test_a_typo_leaves_nothing_behind(run, workplace, verb):
    words = ("--smile", 1) if verb == "edit" else ()
    ended = run(verb, "nope.jpg", "nor-this.jpg", *words, "--json")
    assert ended.code == 3
    assert statuses(ended) == {"nope.jpg": "failed", "nor-this.jpg": "failed"}
    assert reason(ended, "nope.jpg") == "nope.jpg: no such file"
    assert not list(workplace.iterdir())


@pytest.mark.parametrize("verb", ["morph", "grid"])
def test_a_typo_in_a_picture_of_several(run, workplace, verb):
    more = ("--with", "nor-this.jpg") if verb == "grid" else ("nor-this.jpg",)
    ended = run(verb, "nope.jpg", *more)
    assert ended.code == 3
    assert "nope.jpg: no such file" in ended.err
    assert not list(workplace.iterdir())


def test_a_decompression_bomb(edit, photo):
    ended = edit(photo("a.png"), photo("wide.png", faces=3), "--max-megapixels", "0.02")
    assert ended.code == 5
    assert statuses(ended)["a.png"] == "done"
    assert "--max-megapixels" in reason(ended, "wide.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_photo(edit, photo, workplace):
    (workplace / photo("a.png")).chmod(0)
    ended = edit("a.png")
    assert ended.code == 3
    assert "no permission" in reason(ended, "a.png")


def test_a_named_file_is_tried_whatever_its_name(edit, photo, workplace):
    (workplace / photo("a.png")).rename(workplace / "a.picture")
    ended = edit("a.picture", "-o", "out.png")
    assert (ended.code, statuses(ended)) == (0, {"a.picture": "done"})


def test_sub_folders_are_kept_and_need_the_flag(edit, photo, workplace):
    photo("photos/a.png"), photo("photos/deep/er/a.png"), photo("photos/.trash/b.png")
    flat = edit("photos", "-o", "flat")
    assert statuses(flat) == {"photos/a.png": "done"}
    deep = edit("photos", "-r", "-o", "deep")
    assert statuses(deep) == {"photos/a.png": "done", "photos/deep/er/a.png": "done"}
    assert (workplace / "deep/deep/er/a.png").exists()


def test_results_never_become_inputs(edit, photo, workplace):
    photo("a.png"), photo("sub/b.png")
    first = edit(".", "-r")
    again = edit(".", "-r", "--overwrite")
    elsewhere = edit(".", "-r", "-o", "results")
    after_that = edit(".", "-r", "-o", "results", "--overwrite")
    for ended in (first, again, elsewhere, after_that):
        assert (ended.code, set(statuses(ended))) == (0, {"a.png", "sub/b.png"})
    # Asked for by name, earlier results are photos like any others.
    ended = edit("facemod-output", "-r", "-o", "twice")
    assert set(statuses(ended)) == {"facemod-output/a.png", "facemod-output/sub/b.png"}


def test_a_photo_named_twice_is_edited_once(edit, photo):
    photo("photos/a.png")
    ended = edit("photos", "photos/a.png", "./photos/a.png")
    assert (ended.code, len(ended.json["outcomes"])) == (0, 1)


def test_two_photos_with_one_result_are_refused(edit, photo, use_model):
    use_model(FailingModel(AssertionError("no work may be done")))
    ended = edit(photo("x/a.png"), photo("y/a.png"))
    assert ended.code == 2
    message = ended.json["error"]["message"]
    assert "x/a.png and y/a.png would both be written to facemod-output/a.png" in message


@pytest.mark.parametrize("words", [["-o", "."], ["-o", "./sub/.."], ["-o", "a.png"]])
def test_photos_are_never_edited_in_place(edit, photo, workplace, words):
    (workplace / "sub").mkdir()
    before = (workplace / photo("a.png")).read_bytes()
    ended = edit("a.png", *words, "--overwrite")
    assert ended.code == 2
    assert "never edited in place" in ended.json["error"]["message"]
    assert (workplace / "a.png").read_bytes() == before


def test_nor_through_a_symlink(edit, photo, workplace):
    photo("a.png")
    (workplace / "other.png").symlink_to("a.png")
    assert edit("a.png", "-o", "other.png", "--overwrite").code == 2


class TestOutput:
    """What ``-o`` may be."""

    def test_a_file_for_one_photo(self, edit, photo, workplace):
        ended = edit(photo("a.png"), "-o", "new/b.webp")
        assert ended.json["outcomes"][0]["output"] == "new/b.webp"
        assert (workplace / "new/b.webp").is_file()

    def test_a_folder_that_looks_like_a_file(self, edit, photo, workplace):
        (workplace / "folder.png").mkdir()
        edit(photo("a.png"), "-o", "folder.png")
        assert (workplace / "folder.png/a.png").is_file()

    def test_a_folder_with_a_dot(self, edit, photo, workplace):
        edit(photo("a.png"), "-o", "v1.2")
        assert (workplace / "v1.2/a.png").is_file()

    def test_not_a_file_for_two_photos(self, edit, photo):
        ended = edit(photo("a.png"), photo("b.png"), "-o", "c.png")
        assert ended.code == 2
        assert "one file cannot hold 2 results" in ended.json["error"]["message"]

    def test_not_a_format_that_cannot_be_written(self, edit, photo):
        ended = edit(photo("a.png"), "-o", "c.heic")
        assert ended.code == 2
        assert "cannot write .heic" in ended.json["error"]["message"]

    def test_overwrite_replaces(self, edit, photo, workplace):
        old = (workplace / photo("facemod-output/a.png")).read_bytes()
        ended = edit(photo("a.png"), "--overwrite")
        assert statuses(ended) == {"a.png": "done"}
        assert (workplace / "facemod-output/a.png").read_bytes() != old

    def test_skip_existing_does_the_rest(self, edit, photo, workplace):
        old = (workplace / photo("facemod-output/a.png")).read_bytes()
        ended = edit(photo("a.png"), photo("b.png"), "--skip-existing")
        assert (ended.code, statuses(ended)) == (0, {"a.png": "skipped", "b.png": "done"})
        assert ended.json["outcomes"][0]["output"] == "facemod-output/a.png"
        assert (workplace / "facemod-output/a.png").read_bytes() == old

    def test_skipped_and_failed_is_partial(self, edit, photo):
        photo("facemod-output/a.png")
        ended = edit(photo("a.png"), "missing.png", "--skip-existing")
        assert (ended.code, ended.json["status"]) == (5, "partial")

    def test_a_full_disk_leaves_nothing_behind(self, edit, photo, monkeypatch, workplace, visible):
        def full(*args):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        ended = edit(photo("a.png"))
        assert ended.code == 6
        assert "disk is full" in reason(ended, "a.png")
        assert not visible(workplace / "facemod-output")


def test_the_suffixes_are_those_that_imaging_writes():
    assert set(WRITABLE_SUFFIXES) == set(writing.FORMATS)


def test_markup_and_emoji_codes_in_names_are_names(run, photo, workplace):
    name = "[red]a:x:.png"
    shutil.move(workplace / photo("a.png"), workplace / name)
    ended = run("edit", name, "--smile", 1)
    assert f"done {name} -> facemod-output/{name}" in ended.err


class TestEarlierResults:
    """Pictures in folders whose metadata says that facemod made them of photos."""

    @pytest.fixture(autouse=True)
    def folder(self, run, photo):
        """A photo, edits of it in every format beside it and below, and two drawn faces."""
        photo("photos/a.png")
        for suffix in (".jpg", ".png", ".webp", ".tif"):
            assert run("edit", "photos/a.png", "--age", 1, "-o", f"photos/old{suffix}").code == 0
        assert run("edit", "photos/a.png", "--smile", 1, "-o", "photos/deep/b.png").code == 0
        assert run("sample", "-n", 2, "-o", "photos/drawn/").code == 0

    def test_are_left_out_with_a_word(self, edit, run, visible, workplace):
        ended = edit("photos", "-o", "out")
        assert list(statuses(ended)) == ["photos/a.png"]
        words = run("edit", "photos", "-r", "--smile", 1, "-o", "again").err
        assert "left out 5 earlier results of facemod, such as photos/old.jpg" in words
        assert "--take-results" in words
        assert len(visible(workplace / "again" / "drawn")) == 2
        assert list(statuses(edit("photos/*.*", "-o", "glob"))) == ["photos/a.png"]
        dry = run("edit", "photos", "--smile", 1, "--dry-run", "-o", "dry")
        assert "left out 4" in dry.err

    def test_are_taken_where_somebody_says_so(self, edit):
        assert len(statuses(edit("photos", "-r", "--take-results", "-o", "out"))) == 8
        assert set(statuses(edit("photos/old.jpg", "photos", "-o", "named"))) == {
            "photos/a.png", "photos/old.jpg",
        }  # fmt: skip

    def test_a_folder_of_nothing_else_is_meant(self, edit):
        ended = edit("photos/deep", "-o", "out")
        assert statuses(ended) == {"photos/deep/b.png": "done"}

    def test_commands_that_make_one_result_of_all(self, run, photo):
        photo("photos/z.png")
        ended = run("grid", "photos", "--with", "photos/a.png", "-o", "grid.png")
        assert ended.code == 0
        assert "left out 4 earlier results" in ended.err
        assert ended.err.count("used ") == 3
