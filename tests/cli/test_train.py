"""``facemod train``: the group, and preparing data."""

from __future__ import annotations

from pathlib import Path

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
    ended = run("train", "prepare", "photos", "more", "-o", "faces.npz", "--size", 32, "--json")
    assert (ended.code, ended.json["data"]) == (0, {"faces": 2, "file": "faces.npz"})
    with np.load("faces.npz") as packed:
        assert list(packed["names"]) == ["a.png", "b.png"]
        assert packed["faces"].shape == (2, 32, 32, 3)
