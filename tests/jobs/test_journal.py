"""The run log: what it holds, whom it serves, and that it cleans up after the dead alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facemod.errors import InputError, OutputError
from facemod.files.digests import digest
from facemod.jobs.journal import History, Journal, Log, Made, digest_settings, new_run, unfinished


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "out", new_run(), "settings")


def announced(log: Log, name: str, source: str = "s", result: str = "r") -> Journal:
    """A journal with one line, of a result whose temporary file is there."""
    journal = Journal(log)
    temporary = log.folder / f".facemod-ab12.{name}"
    journal.announce(log.folder / name, temporary, source, result)
    temporary.write_bytes(b"half")
    return journal


def test_what_was_announced_is_known_by_its_settings(log):
    announced(log, "a.png").close()
    target = log.folder.absolute() / "a.png"
    history = History.of(log, clean=False)
    assert history.with_settings("settings") == {target: (Made("s", "r"),)}
    assert history.with_settings("others") == {}


def test_all_versions_of_a_result_are_known(log):
    announced(log, "a.png", result="old").close()
    announced(log.part(), "a.png", result="new").close()
    (made,) = History.of(log, clean=False).with_settings("settings").values()
    assert {one.result for one in made} == {"old", "new"}


def test_results_may_move_with_their_log(log, tmp_path):
    announced(log, "a.png").close()
    moved = log.folder.rename(tmp_path / "elsewhere")
    history = History.of(Log(moved, "x", "settings"), clean=False)
    assert list(history.made) == [moved.absolute() / "a.png"]


@pytest.mark.parametrize("alive", [True, False])
def test_only_dead_runs_are_cleaned_up_after(log, alive):
    journal = announced(log, "a.png")
    if not alive:
        journal.close()
    History.of(log, clean=True)
    assert (log.folder / ".facemod-ab12.a.png").exists() == alive
    journal.close()


def test_a_log_cannot_have_other_files_removed(log, tmp_path):
    precious = tmp_path / "precious.png"
    precious.write_bytes(b"mine")
    journal = Journal(log)
    journal.announce(log.folder / "a.png", precious, "s", "r")
    journal.close()
    History.of(log, clean=True)
    assert precious.exists()


def test_shards_keep_to_themselves(log):
    shard = Log(log.folder, new_run(), "settings", "shard-1-of-2")
    announced(shard, "a.png").close()
    assert not History.of(log, clean=False).made
    assert History.of(shard, clean=False).made


def test_a_cut_line_costs_itself_alone(log):
    announced(log, "a.png").close()
    log.path.write_text(log.path.read_text() + '{"writing": {"target": "b.p')
    assert len(History.of(log, clean=False).made) == 1


def test_unfinished_photos(log):
    journal = Journal(log)
    for name in "abcd":
        journal.write("planned", {"input": name, "place": f"sub/{name}", "outputs": []})
    for name, status in (("a", "done"), ("b", "failed"), ("c", "skipped")):
        journal.write("outcome", {"input": name, "status": status})
    assert unfinished(log.path) == [(Path("b"), Path("sub/b")), (Path("d"), Path("sub/d"))]


def test_no_run_log(tmp_path):
    (tmp_path / "other.jsonl").write_text('{"planned": 3}\n')
    with pytest.raises(InputError, match="no run log"):
        unfinished(tmp_path / "other.jsonl")
    with pytest.raises(InputError, match="No such file"):
        unfinished(tmp_path / "missing.jsonl")


def test_a_log_that_cannot_be_written(log):
    log.folder.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="the run log cannot be written"):
        Journal(log).write("run", {})


def test_digests_depend_on_content_alone():
    assert digest(b"a") == digest(b"a") != digest(b"b")
    assert digest_settings({"a": 1, "b": 2}) == digest_settings({"b": 2, "a": 1})
    assert json.loads(f'"{digest(b"")}"').isalnum()
