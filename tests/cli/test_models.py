"""``facemod models``: list, info, import, pull, verify, remove."""

from __future__ import annotations

import re
from pathlib import Path

import published
import pytest
import tiny
import torch

FAMILY_OF_TINY = "automodulator"


@pytest.fixture(autouse=True)
def models(workplace: Path, monkeypatch) -> Path:
    monkeypatch.setenv("FACEMOD_MODELS_DIR", str(workplace / "models"))
    return workplace / "models"


@pytest.fixture
def checkpoint(workplace: Path) -> str:
    torch.save(published.checkpoint("pioneer"), workplace / "480000_state")
    return "480000_state"


class TestList:
    def test_the_bundled_one(self, run):
        ended = run("models", "list")
        assert ended.out.split()[:4] == ["model", "family", "px", "file"]
        assert ended.out.splitlines()[1].split()[:3] == ["bundled", "wavelet", "1024"]
        assert "`facemod models pull NAME` fetches ffhq512 (" in ended.err

    def test_ones_own(self, run, models):
        path = tiny.write_tiny(models, FAMILY_OF_TINY)
        assert run("models", "list", "--json").json["data"][1] == {
            "name": "tiny", "family": FAMILY_OF_TINY, "resolution": 64, "file": str(path),
        }  # fmt: skip

    def test_a_damaged_one_is_named(self, run, models):
        tiny.write_tiny(models, FAMILY_OF_TINY).write_bytes(b"rubbish")
        ended = run("models", "list", "-q")
        assert ended.code == 0
        assert "tiny.safetensors" in ended.err


class TestInfo:
    def test_bundled(self, run):
        assert re.search(r"resolution +64", run("models", "info").out)
        assert run("models", "info", "--json").json["data"]["slots"] == 16

    def test_ones_own_by_name_and_by_file(self, run, models):
        path = tiny.write_tiny(models, FAMILY_OF_TINY)
        by_name, by_file = (run("models", "info", x, "--json").json for x in ("tiny", path))
        assert by_name["data"] == by_file["data"]
        assert by_name["data"]["images_seen"] == 1234
        assert by_name["data"]["geometry"] == "sphere"

    def test_an_unknown_one(self, run):
        ended = run("models", "info", "stylegan")
        assert ended.code == 2
        assert "there is bundled" in ended.err
        assert "models pull" in ended.err


class TestImport:
    def test_reports_what_it_found(self, run, checkpoint):
        ended = run("models", "import", checkpoint, "--name", "p64")
        assert ended.code == 0, ended.err
        assert re.search(r"family +pioneer", ended.out)
        assert re.search(r"resolution +32", ended.out)
        assert re.search(r"images seen +42420000", ended.out)
        assert run("reconstruct", "--help").code == 0

    def test_something_else(self, run, photo):
        ended = run("models", "import", photo("a.png"), "--json")
        assert ended.code == 7
        assert ended.json["error"]["code"] == "model"

    def test_a_name_that_is_taken(self, run, checkpoint):
        assert run("models", "import", checkpoint, "--name", "bundled").code == 2
        assert run("models", "import", checkpoint).code == 0
        assert run("models", "import", checkpoint).code == 6
        assert run("models", "import", checkpoint, "--overwrite").code == 0


class TestPull:
    def test_offline(self, run, monkeypatch):
        monkeypatch.setattr("facemod.models.importing.pull.RECORD", "http://127.0.0.1:9")
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        ended = run("models", "pull", "ffhq512")
        assert ended.code == 7
        assert "cannot fetch http://127.0.0.1:9/42420000_state.pth" in ended.err
        assert "facemod models import FILE" in ended.err

    def test_what_nobody_published(self, run):
        assert "there is ffhq512" in run("models", "pull", "stylegan").err

    def test_ctrl_c_says_how_to_go_on(self, run, monkeypatch):
        def interrupt(*words, **settings):
            raise KeyboardInterrupt

        monkeypatch.setattr("facemod.models.importing.pull.download", interrupt)
        ended = run("models", "pull", "ffhq512")
        assert ended.code == 130
        assert "the same command goes on from there" in ended.err


class TestVerify:
    def test_all(self, run, checkpoint):
        run("models", "import", checkpoint, "--name", "mine")
        ended = run("models", "verify")
        assert ended.code == 0
        assert re.search(r"bundled +ok +part of facemod; wavelet", ended.out)
        assert re.search(r"mine +ok +unchanged; pioneer, 32 px", ended.out)

    def test_damage(self, run, checkpoint, models):
        run("models", "import", checkpoint, "--name", "mine")
        with (models / "mine.safetensors").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"!")
        ended = run("models", "verify", "--json")
        assert ended.code == 7
        states = {row["model"]: row["state"] for row in ended.json["data"]}
        assert states == {"bundled": "ok", "mine": "problem"}


class TestRemove:
    def test_ones_own(self, run, models):
        path = tiny.write_tiny(models, FAMILY_OF_TINY)
        assert run("models", "remove", "tiny").code == 0
        assert not path.exists()

    def test_others(self, run):
        assert "cannot be removed" in run("models", "remove", "bundled").err
        assert "no model of yours" in run("models", "remove", "tiny").err
