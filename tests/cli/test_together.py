"""What mix of two photos, morph and grid share: one result of several photos, or none."""

from __future__ import annotations

import pytest
from fakes import FailingModel

MIX = ("mix", "a.png", "b.png", "--coarse-from", "b", "-o", "out.png")
MORPH = ("morph", "a.png", "b.png", "--seconds", "0.1", "-o", "out.webp")
GRID = ("grid", "a.png", "--with", "b.png")
COMMANDS = pytest.mark.parametrize("words", [MIX, MORPH, GRID], ids=lambda words: words[0])
TOGETHER = pytest.mark.parametrize("words", [MORPH, GRID], ids=lambda words: words[0])


@COMMANDS
def test_every_photo_is_accounted_for(run, photo, words):
    photo("a.png"), photo("b.png")
    ended = run(*words, "--json")
    assert (ended.code, ended.json["status"], ended.json["command"]) == (0, "success", words[0])
    first, second = ended.json["outcomes"]
    assert [first["input"], second["input"]] == ["a.png", "b.png"]
    assert first["status"] == second["status"] == "done"
    assert first["output"] == second["output"]
    assert len(first["faces"]) == len(second["faces"]) == 1
    assert first["seconds"] > 0


@COMMANDS
@pytest.mark.parametrize("bad", ["a.png", "b.png"])
@pytest.mark.parametrize(
    ("faces", "code", "status"), [(0, 4, "no-face"), (None, 3, "failed")], ids=["dark", "missing"]
)
def test_one_bad_photo_decides(run, photo, workplace, words, bad, faces, code, status):
    good = {"a.png": "b.png", "b.png": "a.png"}[bad]
    photo(good)
    if faces is not None:
        photo(bad, faces=faces)
    ended = run(*words, "--json")
    assert (ended.code, ended.json["status"]) == (code, "error")
    outcomes = {outcome["input"]: outcome for outcome in ended.json["outcomes"]}
    assert set(outcomes) == {"a.png", "b.png"}
    assert (outcomes[bad]["status"], outcomes[good]["status"]) == (status, "skipped")
    assert outcomes[good]["output"] is outcomes[good]["error"] is None
    assert "another photo failed" in ended.err
    assert {p.name for p in workplace.iterdir()} <= {"a.png", "b.png"}


@TOGETHER
def test_photos_that_fail_for_different_reasons(run, photo, workplace, words):
    photo("a.png", faces=0)
    (workplace / "b.png").write_text("no picture")
    ended = run(*words, "--json")
    assert (ended.code, ended.json["status"]) == (5, "error")


@COMMANDS
def test_existing_results_are_respected_before_any_work(run, photo, use_model, words):
    photo("a.png"), photo("b.png")
    assert run(*words).code == 0
    use_model(FailingModel(AssertionError("no work may be done")))
    assert run(*words).code == 6
    skipped = run(*words, "--skip-existing", "--json")
    assert (skipped.code, skipped.json["status"]) == (0, "success")
    assert [o["status"] for o in skipped.json["outcomes"]] == ["skipped", "skipped"]


@COMMANDS
def test_overwrite(run, photo, words):
    photo("a.png"), photo("b.png")
    assert [run(*words).code, run(*words, "--overwrite").code] == [0, 0]


@pytest.mark.parametrize("words", [MIX, GRID], ids=lambda words: words[0])
@pytest.mark.parametrize("target", ["a.png", "b.png"])
def test_no_input_is_ever_replaced(run, photo, workplace, words, target):
    photo("a.png"), photo("b.png")
    before = (workplace / target).read_bytes()
    ended = run(*words, "-o", target, "--overwrite")
    assert ended.code == 2
    assert "never edited in place" in ended.err
    assert (workplace / target).read_bytes() == before


def test_nor_by_a_film(run, photo):
    ended = run("morph", photo("a.webp"), photo("b.webp"), "-o", "b.webp", "--overwrite")
    assert ended.code == 2


@TOGETHER
def test_an_output_of_another_kind_is_refused_before_any_work(run, photo, use_model, words):
    photo("a.png"), photo("b.png")
    use_model(FailingModel(AssertionError("no work may be done")))
    ended = run(*words, "-o", "result.xyz")
    assert ended.code == 2
    assert "-o result.xyz: name a folder, or a file that ends in" in ended.err


@COMMANDS
def test_a_folder_gets_a_default_name(run, photo, workplace, words):
    photo("a.png"), photo("b.png")
    name = {"mix": "a.png", "morph": "morph.mp4", "grid": "grid.png"}[words[0]]
    ended = run(*words, "-o", "results", "--json")
    assert ended.json["outcomes"][0]["output"] == f"results/{name}"
    assert (workplace / "results" / name).is_file()


@COMMANDS
def test_no_mark_is_said_aloud(run, photo, words):
    photo("a.png"), photo("b.png")
    assert "--no-mark: results do not say" in run(*words, "--no-mark", "-q").err
