"""The contract that scripts depend on: exit codes, the JSON envelope, what goes to which stream."""

from __future__ import annotations

import pytest
from fakes import FailingModel

from facemod.errors import InputError, MissingExtraError, ModelError

ENVELOPE = {"schema", "facemod", "command", "status", "exit_code", "error", "outcomes", "data"}
OUTCOME = {"input", "output", "status", "error", "faces", "seconds"}
FACE = {"index", "box", "landmarks", "scores"}


def test_success(run, photo):
    ended = run("edit", photo("a.png"), "--smile", "+1", "--json")
    envelope = ended.json
    assert set(envelope) == ENVELOPE
    assert (ended.code, envelope["exit_code"]) == (0, 0)
    assert (envelope["schema"], envelope["command"]) == (1, "edit")
    assert (envelope["status"], envelope["error"]) == ("success", None)
    (outcome,) = envelope["outcomes"]
    assert set(outcome) == OUTCOME
    assert (outcome["input"], outcome["output"]) == ("a.png", "facemod-output/a.png")
    assert (outcome["status"], outcome["error"]) == ("done", None)
    assert outcome["seconds"] > 0
    (face,) = outcome["faces"]
    assert set(face) == FACE
    assert face["index"] == 1
    assert face["box"] == [18.7, 18.7, 76.3, 76.3]
    assert [len(point) for point in face["landmarks"]] == [2] * 5
    assert face["scores"]["psnr"] > 10


def test_some_failed(run, photo):
    ended = run("edit", photo("a.png"), "missing.jpg", "--smile", 1, "--json")
    assert set(ended.json) == ENVELOPE
    assert (ended.code, ended.json["status"], ended.json["error"]) == (5, "partial", None)
    good, bad = ended.json["outcomes"]
    assert set(good) == set(bad) == OUTCOME
    assert good["status"] == "done"
    assert (bad["status"], bad["output"], bad["faces"]) == ("failed", None, [])
    assert bad["error"] == {"code": "unreadable", "message": "missing.jpg: no such file"}


def test_the_whole_command_failed(run, photo):
    ended = run("edit", photo("a.png"), "--smile", 1, "--model", "nope", "--json")
    assert set(ended.json) == ENVELOPE
    assert (ended.code, ended.json["status"]) == (2, "error")
    assert ended.json["error"]["code"] == "usage"
    assert "--model nope" in ended.json["error"]["message"]
    assert ended.json["outcomes"] == []


@pytest.mark.parametrize(
    ("words", "command", "hint"),
    [
        (("edit", "a.png", "--smle", "1"), "edit", "--smile"),
        (("edit", "a.png", "--smile", "very"), "edit", "valid number"),
        (("edt", "a.png"), "edt", "Did you mean 'edit'?"),
        (("presets", "shw", "smile"), "presets shw", "Did you mean 'show'?"),
        (("morph", "-o", "a.mp4"), "morph", "Missing argument"),
        (("--frobnicate",), "facemod", "--frobnicate"),
    ],
)
def test_a_command_line_that_does_not_parse(run, words, command, hint):
    ended = run(*words, "--json")
    assert set(ended.json) == ENVELOPE
    assert (ended.code, ended.json["exit_code"], ended.json["status"]) == (2, 2, "error")
    assert ended.json["command"] == command
    assert ended.json["error"]["code"] == "usage"
    assert hint in ended.json["error"]["message"]
    # People read it once, with the usage line.
    assert ended.err.count(hint) == 1
    assert "Usage: facemod" in ended.err


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (("presets", "list"), "presets list"),
        (("presets", "show", "smile"), "presets show"),
        (("models", "list"), "models list"),
        (("models", "info"), "models info"),
    ],
)
def test_listings_put_what_they_found_into_data(run, words, command):
    ended = run(*words, "--json")
    assert set(ended.json) == ENVELOPE
    assert (ended.code, ended.json["status"], ended.json["outcomes"]) == (0, "success", [])
    assert ended.json["command"] == command
    assert ended.json["data"]


def test_words_go_to_stderr_and_nothing_but_data_to_stdout(run, photo):
    plain = run("edit", photo("a.png"), "missing.jpg", "--smile", 1)
    assert plain.out == ""
    assert "done a.png -> facemod-output/a.png" in plain.err
    assert "failed missing.jpg: no such file\n" in plain.err  # the name only once
    assert "2 in all: 1 done, 1 failed" in plain.err
    quiet = run("edit", photo("a.png"), "missing.jpg", "--smile", 1, "-q", "--overwrite")
    assert quiet.out == ""
    assert quiet.err == "failed missing.jpg: no such file\n"


def test_a_listing_is_data(run):
    ended = run("presets", "list")
    assert "smile" in ended.out
    assert ended.err == ""


class TestExitCodes:
    """One test per code; codes 0 and 5 are above."""

    def test_1_a_bug_ends_one_photo_and_not_the_batch(self, run, photo, use_model):
        use_model(FailingModel(ZeroDivisionError("oh"), nth=1))
        ended = run("edit", photo("a.png"), photo("b.png"), "--smile", 1, "--json")
        bug, good = ended.json["outcomes"]
        assert bug["error"]["code"] == "bug"
        assert "ZeroDivisionError: oh (fakes.py, line" in bug["error"]["message"]
        assert (good["status"], ended.code) == ("done", 5)
        use_model(FailingModel(ZeroDivisionError("oh")))
        assert run("edit", "a.png", "--smile", 1, "-o", "again").code == 1

    def test_1_a_bug_outside_of_a_photo_shows_its_traceback(self, run, photo, monkeypatch):
        monkeypatch.setattr("facemod.imaging.writing.write_image", _raise(ZeroDivisionError("oh")))
        ended = run("grid", photo("a.png"), "--with", photo("b.png"), "--json")
        assert (ended.code, ended.json["status"]) == (1, "error")
        assert ended.json["error"]["code"] == "bug"
        assert "Traceback" in ended.err

    @pytest.mark.parametrize(
        "words",
        [
            ["--fidelity", "best"],
            ["--faces", "first"],
            ["--faces", "0"],
            ["--device", "tpu"],
            ["--device", "cuda:x"],
            ["--smile", "nan"],
            ["--max-megapixels", "nan"],
            ["--overwrite", "--skip-existing"],
        ],
    )
    def test_2_usage(self, run, photo, words, workplace):
        ended = run("edit", photo("a.png"), "--smile", 1, *words)
        assert ended.code == 2
        assert words[0] in ended.err
        assert not (workplace / "facemod-output").exists()

    def test_2_nothing_to_edit(self, run, photo):
        ended = run("edit", photo("a.png"))
        assert ended.code == 2
        assert "for example facemod edit a.png --smile +1" in ended.err

    def test_3_no_usable_input(self, run):
        assert run("edit", "missing.jpg", "gone.png", "--smile", 1).code == 3

    def test_3_an_empty_folder(self, run, workplace):
        (workplace / "photos").mkdir()
        ended = run("edit", "photos", "--smile", 1, "--json")
        assert ended.code == 3
        assert ended.json["error"]["message"].startswith("no photos in photos (use -r")

    def test_4_no_face_in_any_input(self, run, photo):
        ended = run("edit", photo("dark.png", faces=0), "--smile", 1, "--json")
        assert (ended.code, ended.json["status"]) == (4, "error")
        (outcome,) = ended.json["outcomes"]
        assert (outcome["status"], outcome["error"]["code"]) == ("no-face", "no-face")

    def test_no_face_in_some_inputs_is_a_failure_only_if_asked(self, run, photo):
        words = ("edit", photo("dark.png", faces=0), photo("a.png"), "--smile", 1, "--json")
        ended = run(*words)
        assert (ended.code, ended.json["status"]) == (0, "success")
        assert [o["status"] for o in ended.json["outcomes"]] == ["no-face", "done"]
        assert ended.json["outcomes"][0]["error"]["code"] == "no-face"
        ended = run(*words, "--on-no-face", "fail", "--overwrite")
        assert (ended.code, ended.json["status"]) == (5, "partial")

    def test_6_output_exists_before_any_work(self, run, photo, use_model, workplace):
        use_model(FailingModel(AssertionError("no work may be done")))
        old = photo("facemod-output/a.png")
        before = (workplace / old).read_bytes()
        ended = run("edit", photo("a.png"), photo("b.png"), "--smile", 1, "--json")
        assert ended.code == 6
        assert ended.json["error"] == {
            "code": "output-exists",
            "message": "facemod-output/a.png exists already; nothing was done. Use --overwrite to "
            "replace, --skip-existing to keep, or another -o/--output",
        }
        assert (workplace / old).read_bytes() == before

    def test_6_a_place_that_cannot_be_written_before_any_work(self, run, photo, use_model):
        use_model(FailingModel(AssertionError("no work may be done")))
        ended = run("edit", photo("a.png"), "--smile", 1, "-o", photo("b.png") / "below")
        assert ended.code == 6
        assert "is a file, not a folder" in ended.err

    def test_7_a_damaged_preset(self, run, photo, toy_presets, monkeypatch):
        monkeypatch.setattr(
            "facemod.latent.presets.Preset.direction", _raise(ModelError("smile: truncated"))
        )
        ended = run("edit", photo("a.png"), "--smile", 1, "--json")
        assert ended.code == 7
        assert ended.json["error"] == {"code": "model", "message": "smile: truncated"}

    def test_8_a_missing_extra(self, run, photo, monkeypatch):
        problem = MissingExtraError("no face-alignment here")
        monkeypatch.setattr("facemod.faces.detect.make_detector", _raise(problem))
        assert run("edit", photo("a.png"), "--smile", 1).code == 8

    def test_130_interrupted(self, run, photo, use_model, workplace, visible):
        use_model(FailingModel(KeyboardInterrupt(), nth=2))
        photos = [photo(f"{name}.png") for name in "abc"]
        ended = run("edit", *photos, "--smile", 1, "--json")
        assert (ended.code, ended.json["exit_code"]) == (130, 130)
        assert set(ended.json) == ENVELOPE
        assert ended.json["status"] == "partial"
        assert [outcome["input"] for outcome in ended.json["outcomes"]] == ["a.png"]
        # The first is complete, of the second there is nothing, and the advice works.
        assert visible(workplace / "facemod-output") == ["a.png"]
        assert "interrupted with 2 to do; the same command goes on from here" in ended.err
        resumed = run("edit", *photos, "--smile", 1, "--json")
        assert resumed.code == 0
        assert [o["status"] for o in resumed.json["outcomes"]] == ["skipped", "done", "done"]

    @pytest.mark.parametrize(
        "words",
        [
            ("mix", "a.png", "b.png", "--coarse-from", "b"),
            ("morph", "a.png", "b.png"),
            ("grid", "a.png", "--with", "b.png"),
            ("sample", "--coarse-from", "a.png"),
        ],
    )
    def test_130_interrupted_before_a_result(self, run, photo, use_model, words, workplace):
        photo("a.png"), photo("b.png")
        use_model(FailingModel(KeyboardInterrupt()))
        ended = run(*words, "--json")
        assert (ended.code, ended.json["status"]) == (130, "error")
        assert "interrupted; nothing was written" in ended.err
        assert not (workplace / "facemod-output").exists()


@pytest.mark.parametrize(
    "problem",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
    ],
)
def test_running_out_of_memory_fails_one_photo(run, photo, use_model, problem):
    use_model(FailingModel(problem))
    ended = run("edit", photo("a.png"), photo("b.png"), "--smile", 1, "--json")
    large, small = ended.json["outcomes"]
    assert large["error"]["code"] == "unreadable"
    assert large["error"]["message"].startswith("not enough memory")
    assert (small["status"], ended.code) == ("done", 5)


def test_a_failure_that_is_no_bug_keeps_its_code(run, photo, use_model):
    use_model(FailingModel(InputError("too strange"), decoding=True))
    assert run("edit", photo("a.png"), "--smile", 1).code == 3


def _raise(problem):
    def fail(*args, **kwargs):
        raise problem

    return fail
