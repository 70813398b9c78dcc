"""Many photos: lists, templates, plans, logs, and going on after whatever happened."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pickle
import shutil
import sys
from pathlib import Path

import pytest
from fakes import FailingModel, FakeModel
from PIL import Image

from facemod.jobs import processes as local


class CountingModel(FakeModel):
    """Counts the faces that it encodes."""

    def __init__(self) -> None:
        self.faces = 0

    def encode(self, images):
        self.faces += len(images)
        return super().encode(images)


@pytest.fixture
def model(use_model) -> CountingModel:
    counting = CountingModel()
    use_model(counting)
    return counting


@pytest.fixture
def edit(run):
    """Run ``facemod edit --smile 1 --json`` on something."""
    return lambda *words: run("edit", *words, "--smile", 1, "--json")


def statuses(ended) -> list[str]:
    return [outcome["status"] for outcome in ended.json["outcomes"]]


def log_in(folder: Path) -> Path:
    """The newest run log of a folder."""
    logs = [p for p in (folder / ".facemod").glob("*.jsonl") if p.name.count(".") == 1]
    return max(logs, key=lambda path: path.stat().st_mtime_ns)


class TestGoingOn:
    """The same command again."""

    def test_does_nothing_twice(self, edit, photo, model):
        photos = [photo(f"{name}.png") for name in "ab"]
        assert statuses(edit(*photos)) == ["done", "done"]
        again = edit(*photos)
        assert (again.code, statuses(again), model.faces) == (0, ["skipped", "skipped"], 2)
        assert "unchanged since it was made" in again.err
        assert again.json["outcomes"][0]["output"] == "facemod-output/a.png"

    def test_does_what_is_new(self, edit, photo, model):
        photo("in/a.png")
        edit("in")
        photo("in/b.png")
        assert statuses(edit("in")) == ["skipped", "done"]
        assert model.faces == 2

    def test_does_again_what_changed_and_names_do_not_count(self, edit, photo, pixels, workplace):
        photo("in/a.png"), photo("in/b.png", (200, 60, 60))
        edit("in")
        for old, new in (("a", "c"), ("b", "a")):  # b's picture is now called a
            (workplace / f"in/{old}.png").replace(workplace / f"in/{new}.png")
        ended = edit("in")
        assert statuses(ended) == ["done", "done"]
        assert pixels("facemod-output/a.png")[:5].mean((0, 1))[0] > 180

    def test_other_settings_are_another_matter(self, run, edit, photo):
        edit(photo("a.png"))
        other = run("edit", "a.png", "--smile", 2)
        assert other.code == 6
        assert "exists already" in other.err

    def test_a_result_that_somebody_touched_is_theirs(self, edit, photo, workplace):
        edit(photo("a.png"))
        result = workplace / "facemod-output/a.png"
        result.write_bytes(b"my own work")
        ended = edit("a.png")
        assert (ended.code, statuses(ended)) == (6, ["failed"])
        assert result.read_bytes() == b"my own work"
        assert statuses(edit("a.png", "--overwrite")) == ["done"]

    def test_a_result_that_went_away_is_made_again(self, edit, photo, workplace):
        edit(photo("a.png"))
        (workplace / "facemod-output/a.png").unlink()
        assert statuses(edit("a.png")) == ["done"]

    def test_half_written_files_of_dead_runs_are_cleared(self, edit, photo, workplace):
        edit(photo("a.png"))
        litter = workplace / "facemod-output/.facemod-abc.png"
        litter.write_bytes(b"half")
        log = next(iter((workplace / "facemod-output/.facemod").glob("*.*.jsonl")))
        facts = {"target": "b.png", "temporary": litter.name, "settings": "", "source": "",
                 "result": ""}  # fmt: skip
        log.write_text(log.read_text() + json.dumps({"writing": facts}) + '\n{"writing": {"tar')
        assert statuses(edit("a.png")) == ["skipped"]
        assert not litter.exists()


class TestTwoRunsAtOnce:
    """Two runs of the same command in the same folder."""

    def test_a_result_that_the_other_run_made_is_no_failure(self, edit, photo, use_model):
        photo("a.png")
        assert edit("a.png").code == 0
        target = Path("facemod-output/a.png")
        made = target.read_bytes()
        shutil.rmtree("facemod-output")

        class Overtaken(FakeModel):
            def encode(self, images):
                target.write_bytes(made)
                return super().encode(images)

        use_model(Overtaken())
        ended = edit("a.png")
        assert (ended.code, statuses(ended)) == (0, ["skipped"])
        assert "another run made the same result meanwhile" in ended.err
        made = b"something else"
        target.unlink()
        use_model(Overtaken())
        ended = edit("a.png")
        assert (ended.code, statuses(ended)) == (6, ["failed"])

    def test_the_later_run_begins_at_the_other_end(self, edit, photo, workplace):
        photos = [str(photo(f"{name}.png")) for name in "abc"]
        edit(*photos)
        log = log_in(workplace / "facemod-output")
        for name in "abc":
            (workplace / "facemod-output" / f"{name}.png").unlink()
        with log.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # as the other run's process does
            assert [o["input"] for o in edit(*photos).json["outcomes"]] == photos[::-1]
            shutil.rmtree("other", ignore_errors=True)
            assert [o["input"] for o in edit(*photos, "-o", "other").json["outcomes"]] == photos


class TestLog:
    """What a run leaves behind."""

    def test_accounts_for_every_photo(self, edit, photo, workplace):
        edit(photo("a.png"), photo("dark.png", faces=0), "missing.png")
        lines = [json.loads(line) for line in log_in(workplace / "facemod-output").open()]
        kinds = [next(iter(line)) for line in lines]
        assert kinds == ["run", *["planned"] * 3, *["outcome"] * 3]
        outcomes = [line["outcome"] for line in lines if "outcome" in line]
        assert [o["status"] for o in outcomes] == ["done", "no-face", "failed"]
        assert len(outcomes[0]["faces"]) == 1

    def test_retry_failed(self, edit, run, photo, workplace):
        edit(photo("in/sub/a.png"), "-r", "in", photo("in/b.png", faces=0), "in/c.png")
        photo("in/b.png"), photo("in/c.png")
        log = log_in(workplace / "facemod-output")
        ended = edit("--retry-failed", log)
        assert {o["input"]: o["status"] for o in ended.json["outcomes"]} == {
            "in/b.png": "done", "in/c.png": "done"
        }  # fmt: skip
        nothing = edit("--retry-failed", log_in(workplace / "facemod-output"))
        assert (nothing.code, nothing.json["outcomes"]) == (0, [])

    def test_retry_failed_includes_what_was_never_reached(self, edit, photo, use_model, workplace):
        use_model(FailingModel(KeyboardInterrupt(), nth=1))
        assert edit(photo("a.png"), photo("b.png")).code == 130
        use_model(FakeModel())
        ended = edit("--retry-failed", log_in(workplace / "facemod-output"))
        assert statuses(ended) == ["done", "done"]

    def test_retry_failed_of_something_else(self, edit, photo):
        assert edit("--retry-failed", "missing.jsonl").code == 3

    def test_a_single_named_result_leaves_no_log(self, edit, photo, workplace):
        edit(photo("a.png"), "-o", "b.png")
        assert not (workplace / ".facemod").exists()


class TestLists:
    """``--files-from``"""

    def test_a_file_of_names(self, edit, photo, workplace):
        photo("x/a.png"), photo("y/a.png")
        (workplace / "list.txt").write_text("x/a.png\r\n\ny/a.png\n")
        ended = edit("--files-from", "list.txt", "-o", "out")
        assert statuses(ended) == ["done", "done"]
        assert (workplace / "out/x/a.png").exists()
        assert (workplace / "out/y/a.png").exists()

    @pytest.mark.parametrize("name", [b"new\nline.png", b"caf\xe9.png", b"--smile.png"])
    def test_any_name_at_all(self, edit, photo, workplace, monkeypatch, visible, name):
        (workplace / photo("a.png")).rename(os.fsdecode(os.fsencode(workplace) + b"/" + name))
        stdin = io.TextIOWrapper(io.BytesIO(name + b"\0"))
        monkeypatch.setattr(sys, "stdin", stdin)
        ended = edit("--files-from", "-", "-0", "-o", "out")
        assert statuses(ended) == ["done"]
        assert os.fsencode(ended.json["outcomes"][0]["input"]) == name
        assert visible(workplace / "out") == [os.fsdecode(name)]
        assert statuses(edit(os.fsdecode(b"./" + name), "-o", "out")) == ["skipped"]

    def test_a_quoted_glob(self, edit, photo):
        for name in ("in/1/a.png", "in/2/a.png", "in/b.png"):
            photo(name)
        ended = edit("in/*/a.png", "-o", "out")
        assert [o["output"] for o in ended.json["outcomes"]] == ["out/1/a.png", "out/2/a.png"]

    def test_a_missing_list(self, edit):
        assert edit("--files-from", "missing.txt").code == 3


class TestTemplates:
    """``-o`` with fields."""

    def test_beside_the_photo(self, edit, photo, workplace, model):
        photo("in/a.png"), photo("in/sub/b.jpg")
        template = "{dir}/{stem}-{edit}{ext}"
        ended = edit("in", "-r", "-o", template)
        outputs = [o["output"] for o in ended.json["outcomes"]]
        assert outputs == ["in/a-smile+1.png", "in/sub/b-smile+1.jpg"]
        # Its own results are no inputs of the next run.
        assert statuses(edit("in", "-r", "-o", template)) == ["skipped", "skipped"]
        assert model.faces == 2

    def test_sub_folders_and_another_format(self, edit, photo):
        photo("in/x/a.png")
        ended = edit("in", "-r", "-o", "out/{sub}/{{{stem}}}.webp")
        assert ended.json["outcomes"][0]["output"] == "out/x/{a}.webp"

    @pytest.mark.parametrize(
        ("template", "hint"),
        [("{nam}{ext}", "{nam} is no field"), ("{stem", "-o {stem"), ("{stem}", "end it in {ext}"),
         ("{stem!r}{ext}", "is no field"), ("{stem}.gif", "end it in {ext}")],
    )  # fmt: skip
    def test_mistakes(self, edit, photo, template, hint):
        ended = edit(photo("a.png"), "-o", template)
        assert ended.code == 2
        assert hint in ended.json["error"]["message"]

    def test_collisions_are_refused(self, edit, photo):
        assert edit(photo("x/a.png"), photo("y/a.png"), "-o", "out/{stem}{ext}").code == 2


def test_pairs_of_one_name_are_told_apart(edit, photo, workplace):
    photo("in/IMG_1.jpg"), photo("in/IMG_1.bmp"), photo("in/IMG_1.gif"), photo("in/IMG_2.gif")
    ended = edit("in", "-o", "out")
    outputs = {o["input"]: o["output"] for o in ended.json["outcomes"]}
    assert outputs == {
        "in/IMG_1.jpg": "out/IMG_1.jpg",
        "in/IMG_1.bmp": "out/IMG_1.bmp.png",
        "in/IMG_1.gif": "out/IMG_1.gif.png",
        "in/IMG_2.gif": "out/IMG_2.png",
    }


class TestDryRun:
    """``--dry-run``"""

    def test_says_everything_and_does_nothing(self, run, photo, use_model, workplace):
        use_model(FailingModel(AssertionError("no work may be done")))
        photo("in/a.png"), photo("in/sub/b.gif")
        ended = run("edit", "in", "-r", "--smile", 1, "--dry-run")
        assert ended.code == 0
        assert "in/sub/b.gif" in ended.out
        assert "facemod-output/sub/b.png" in ended.out
        assert "2 photos" in ended.err
        assert not (workplace / "facemod-output").exists()

    def test_knows_what_was_made_before(self, edit, photo):
        edit(photo("a.png"))
        ended = edit("a.png", photo("b.png"), "--dry-run")
        assert [job["state"] for job in ended.json["data"]["jobs"]] == ["made before", "new"]
        assert ended.json["data"]["totals"]["photos"] == 2


class TestWhenThereIsNoFace:
    """``--on-no-face``"""

    def test_skip(self, edit, photo):
        ended = edit(photo("dark.png", faces=0), "--on-no-face", "skip")
        assert (ended.code, statuses(ended)) == (0, ["no-face"])
        assert ended.json["outcomes"][0]["output"] is None

    @pytest.mark.parametrize("name", ["dark.png", "dark.gif"])
    def test_copy(self, edit, photo, pixels, workplace, name):
        source = photo(name, faces=0)
        ended = edit(source, "--on-no-face", "copy")
        assert (ended.code, statuses(ended)) == (0, ["no-face"])
        copy = workplace / ended.json["outcomes"][0]["output"]
        assert (pixels(copy) == pixels(source)).all()
        if name == "dark.png":
            assert copy.read_bytes() == (workplace / source).read_bytes()
        assert statuses(edit(source, "--on-no-face", "copy")) == ["skipped"]

    def test_copy_makes_no_sense_for_crops(self, edit, photo):
        assert edit(photo("a.png"), "--on-no-face", "copy", "--crop").code == 2

    def test_nothing_else(self, edit, photo):
        assert edit(photo("a.png"), "--on-no-face", "cry").code == 2


def test_jsonl_streams_outcomes_and_ends_with_the_envelope(run, photo):
    ended = run("edit", photo("a.png"), "missing.png", "--smile", 1, "--jsonl")
    *outcomes, envelope = map(json.loads, ended.out.splitlines())
    assert [outcome["status"] for outcome in outcomes] == ["done", "failed"]
    assert (envelope["status"], envelope["outcomes"]) == ("partial", [])
    assert envelope["data"] == {"done": 1, "failed": 1}


def test_json_and_jsonl_do_not_go_together(run, photo):
    assert run("edit", photo("a.png"), "--smile", 1, "--json", "--jsonl").code == 2


def test_fail_fast(edit, photo):
    photos = [photo(f"{name}.png") for name in "abcdefgh"]
    ended = edit("missing.png", *photos, "--fail-fast", "--jobs", 0)
    assert ended.code == 3
    assert "stopped at the first failure" in ended.err
    assert len(ended.json["outcomes"]) < 4


def test_shards_share_the_work(edit, photo):
    names = {str(photo(f"in/{n}.png")) for n in range(12)} | {str(photo("in/3.gif"))}
    done = []
    for i in (1, 2, 3):
        ended = edit("in", "--shard", f"{i}/3", "-o", "out")
        assert ended.code == 0
        done += [o["input"] for o in ended.json["outcomes"]]
    assert sorted(done) == sorted(names)
    assert set(statuses(edit("in", "--shard", "2/3", "-o", "out"))) == {"skipped"}


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b", "1/0"])
def test_shards_that_are_none(edit, photo, shard):
    assert edit(photo("a.png"), "--shard", shard).code == 2


def test_why_photos_failed_is_summed_up(run, photo):
    ended = run("edit", "x.png", "y.png", photo("dark.png", faces=0), "--smile", 1)
    assert "2       unreadable  x.png" in ended.err
    assert "1       no-face     dark.png" in ended.err


def test_a_photo_that_cannot_hold_its_place(edit, photo, workplace):
    """A 16-bit, a CMYK and a palette picture, and one that moves."""
    picture = Image.open(workplace / photo("a.png"))
    picture.convert("CMYK").save("cmyk.jpg")
    picture.convert("P").save("palette.png")
    picture.save("moving.gif", save_all=True, append_images=[picture.rotate(90)])
    ended = edit("cmyk.jpg", "palette.png", "moving.gif")
    assert statuses(ended) == ["done"] * 3
    assert "only the first of 2 pictures" in ended.err


@pytest.mark.parametrize("command", ["edit", "reconstruct", "align"])
def test_a_worker_in_another_process_does_the_same(run, photo, pixels, monkeypatch, command):
    """What a worker takes along is enough: here it is pickled, and opens its own editor."""
    original = local.run

    def elsewhere(worker, *more):
        return original(pickle.loads(pickle.dumps(worker)), *more)

    words = ["--smile", 1, "--age", "to:+1"] if command == "edit" else []
    here = run(command, photo("a.png"), *words, "--json", "-o", "here")
    monkeypatch.setattr(local, "run", elsewhere)
    there = run(command, "a.png", *words, "--json", "-o", "there")
    assert (here.code, there.code) == (0, 0)
    one, other = (Path(ended.json["outcomes"][0]["output"]) for ended in (here, there))
    assert (pixels(one) == pixels(other)).all()
