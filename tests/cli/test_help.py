"""Help: nothing in it is lost, and whatever names something is completed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from facemod.cli.app import app

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
    assert re.search(r"--smile +-3 to \+3 +more smile", ended.out)
    assert "for example facemod edit me.png --smile +1" in ended.err
    assert run("edit", "me.png", "--json").json["error"]["code"] == "usage"


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
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
