"""``facemod train``: the group, and preparing data."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from facemod.cli.groups import DefaultingGroup


@pytest.fixture
def toy_group() -> typer.Typer:
    app = typer.Typer(cls=DefaultingGroup, no_args_is_help=True)

    @app.command()
    def encoder(word: str) -> None:
        typer.echo(f"encoder {word}")

    @app.command()
    def model(word: str, output: str = typer.Option("", "-o")) -> None:
        typer.echo(f"model {word} {output}")

    return app


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["encoder", "x"], "encoder x"),
        (["model", "x"], "model x"),
        (["photos"], "model photos"),
        (["-o", "out", "photos"], "model photos out"),
        (["encodr"], "No such command 'encodr'. Did you mean 'encoder'"),
    ],
)
def test_a_first_word_that_is_no_command_goes_to_the_default(
    toy_group: typer.Typer, words: list[str], expected: str
) -> None:
    assert expected in CliRunner().invoke(toy_group, words).output


def test_a_folder_called_like_a_command_almost(
    toy_group: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "encodr").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "model encodr" in CliRunner().invoke(toy_group, ["encodr"]).output


def test_prepare_packs_the_faces_of_folders(run, photo):
    photo("photos/a.png"), photo("photos/dark.png", faces=0), photo("more/b.png")
    words = ("train", "prepare", "photos", "more", "-o", "faces.npz", "--size", 32)
    ended = run(*words, "--json")
    assert ended.code == 0
    counts = {"faces": 2, "no-face": 1, "unreadable": 0}
    assert ended.json["data"] == {**counts, "file": "faces.npz"}
    with np.load("faces.npz") as packed:
        assert list(packed["names"]) == ["a.png", "b.png"]
        assert packed["known"].shape == (2, 32, 32)
        assert packed["ends"][-1] == len(packed["pictures"])
    every_other = run(*words, "--quality", 101, "--every", 2, "--json").json["data"]
    assert (every_other["faces"], every_other["no-face"]) == (2, 0)
    with np.load("faces.npz") as packed:
        assert packed["faces"].shape == (2, 32, 32, 3)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the loop is called with, instead of training."""
    seen: dict[str, Any] = {}

    def train(build, folder, options, tell, moved):
        moved(0.5)
        seen.update(folder=folder, options=options)
        if options.steps == 13:
            raise KeyboardInterrupt
        return {"steps": 7, "minutes": 0.5, "finished": options.steps == 7, "losses": {"x": 1.0}}

    monkeypatch.setattr("facemod.training.loop.train", train)
    return seen


@pytest.mark.parametrize("kind", ["encoder", "preview"])
def test_options_are_printed_saved_and_obeyed(run, recorded, workplace, kind):
    ended = run("train", kind, "runs/one", "--steps", 7, "--samples", 3, "--seed", 5)
    assert ended.code == 0
    saved = json.loads((workplace / "runs/one/options.json").read_text())
    assert (saved["steps"], saved["samples"], saved["seed"]) == (7, 3, 5)
    assert json.dumps(saved, indent=2) in ended.err
    assert (recorded["folder"], recorded["options"].steps) == (Path("runs/one"), 7)
    assert "runs/one: 7 steps, 0.5 minutes, finished" in ended.err


def test_a_run_that_is_not_over_says_how_to_go_on(run, recorded):
    ended = run("train", "encoder", "one", "--steps", 8, "--json", "-q")
    assert ended.json["data"]["finished"] is False
    assert ended.err == ""
    assert "the same command goes on" in run("train", "encoder", "one", "--steps", 8).err
    stopped = run("train", "encoder", "one", "--steps", 13)
    assert stopped.code == 130
    assert "the same command goes on from the last checkpoint in one" in stopped.err


def test_how_long_has_to_be_said(run):
    ended = run("train", "encoder", "one")
    assert ended.code == 2
    assert "--steps N, --minutes N" in ended.err


def test_without_lightning_fabric_training_says_what_to_install(run, monkeypatch):
    monkeypatch.delitem(sys.modules, "facemod.training.loop", raising=False)
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    ended = run("train", "encoder", "one", "--steps", 1)
    assert ended.code == 8
    assert "pip install 'facemod[train]'" in ended.err
    monkeypatch.undo()
    import facemod.training

    facemod.training.__dict__.pop("loop", None)
