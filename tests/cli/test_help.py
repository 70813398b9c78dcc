"""Help: nothing in it is lost, and whatever names something is completed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from facemod.cli import render
from facemod.cli.app import app
from facemod.cli.guide import pages

ROOT = Path(__file__).parents[2]
STYLES = re.compile(r"\[/?(?:bold|dim|green)?\]")


def everything(command, words=()) -> Iterator[tuple[str, str]]:
    """Each help text of the command line, with where it stands."""
    name = " ".join(words)
    yield name, command.help or ""
    for option in command.params:
        yield f"{name} {option.name}", getattr(option, "help", None) or ""
    for inner in getattr(command, "commands", {}).values():
        yield from everything(inner, (*words, inner.name))


TEXTS = dict(everything(typer.main.get_command(app)))


@pytest.mark.parametrize("place", TEXTS)
def test_markup_swallows_nothing(place):
    text = TEXTS[place]
    # What is escaped for rich has a backslash more.
    assert Text.from_markup(text).plain == STYLES.sub("", text).replace(r"\[", "[")


def test_the_extra_for_a_cluster_is_named():
    assert "facemod[ray]" in Text.from_markup(TEXTS["edit engine"]).plain


def test_an_edit_without_an_edit_shows_what_there_is(run, photo):
    ended = run("edit", photo("me.png"))
    assert ended.code == 2
    assert re.search(r"^Expression\n +--smile +-3 to \+3 +more smile\nFace\n", ended.out, re.M)
    assert "presets sheet me.png" in ended.err
    assert "for example facemod edit me.png --smile +1" in ended.err
    assert run("edit", "me.png", "--json").json["error"]["code"] == "usage"


COUNT = """
import contextlib, io, json, sys, typer
from walking import walked
from facemod.cli.app import app

lengths = {}
for name, _ in walked(typer.main.get_command(app)):
    with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
        app([*name.split(), "--help"], prog_name="facemod")
    lines = shown.getvalue().splitlines()
    rare = (i for i, line in enumerate(lines) if line.startswith("╭─ Many photos ─"))
    lengths[name] = (next(rare, len(lines)), len(lines))
print(json.dumps(lengths))
"""
TWO_SCREENS = 100


def test_help_fits_into_two_screens():
    """With all presets, at 100 columns; what is for many photos alone comes after that."""
    environment = os.environ | {"TERMINAL_WIDTH": "100", "PYTHONPATH": str(ROOT / "tests")}
    ended = subprocess.run(
        [sys.executable, "-c", COUNT], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    lengths = json.loads(ended.stdout)
    assert lengths["edit"][1] > 90
    assert {name: first for name, (first, _) in lengths.items() if first > TWO_SCREENS} == {}
    longer = {name for name, (_, all_lines) in lengths.items() if all_lines > TWO_SCREENS}
    assert longer <= {"edit"}


def test_defaults_and_variables_stand_behind_the_text():
    assert TEXTS["edit model"].endswith("[dim](default bundled, $FACEMOD_MODEL)[/]")
    assert TEXTS["edit max_megapixels"].endswith("(default 200, $FACEMOD_MAX_MEGAPIXELS)[/]")
    assert "default" not in TEXTS["edit only"] + TEXTS["edit overwrite"] + TEXTS["edit mask"]
    assert "default" not in TEXTS["presets learn with_photos"]


class TestGuide:
    """``facemod help``."""

    def test_the_first_page_names_the_others(self, run):
        ended = run("help")
        assert ended.out.startswith("# Guide\n")
        assert "`facemod help batches`" in ended.out
        assert "](" not in ended.out

    @pytest.mark.parametrize("topic", sorted(pages()))
    def test_every_page_says_what_to_type(self, run, topic):
        data = run("help", topic, "--json").json["data"]
        assert data["topic"] == topic
        assert data["text"].startswith("# ")
        assert not re.search(r"\]\((?!https?:)", data["text"])
        named = set(re.findall(r"`facemod help ([a-z]+)`", data["text"]))
        assert named <= set(pages())

    def test_a_terminal_gets_it_laid_out(self, monkeypatch, capsys):
        monkeypatch.setattr(Console, "is_terminal", True)
        render.print_page("# Title\n\n* **one**\n* two")
        shown = capsys.readouterr().out
        assert "Title" in shown
        assert "**" not in shown

    def test_no_such_page(self, run):
        ended = run("help", "edti")
        assert ended.code == 2
        assert "did you mean edit?" in ended.err
        assert "there are guide, batches" in run("help", "zzz").err


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
        ("presets sheet", "sm", ["smile"]),
        ("presets gallery", "a", ["age"]),
        ("presets learn wink --guard", "smile,a", ["smile,age"]),
        ("presets learn wink --only", "ey", ["eyes", "eyes-to-chin"]),
        ("models info", "b", ["bundled"]),
        ("help", "mor", ["morph"]),
        ("presets show", "sm", ["smile"]),
        ("edit --model", "bun", ["bundled"]),
        ("edit --only", "mouth,b", ["mouth,brows", "mouth,background"]),
    ],
)
def test_shells_complete_names(monkeypatch, words, typed, offered):
    environment = {"_FACEMOD_COMPLETE": "complete_bash", "COMP_CWORD": str(len(words.split()) + 1)}
    environment["COMP_WORDS"] = f"facemod {words} {typed}"
    shown = CliRunner().invoke(app, [], prog_name="facemod", env=environment)
    assert shown.stdout.split() == offered
