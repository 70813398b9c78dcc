"""The commands in the documents about training are ones that facemod understands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from facemod.cli.app import app
from facemod.cli.groups import DEFAULT

DOCS = Path(__file__).parents[1] / "docs"
TEXT = "".join((DOCS / name).read_text() for name in ("training.md", "recipes.md"))
BLOCKS = TEXT.replace("\\\n", " ")
COMMANDS = re.findall(r"^ {4}facemod (.*)$", BLOCKS, flags=re.M)
MENTIONED = set(re.findall(r"`(--[a-z-]+)", BLOCKS))


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 6


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_parses(line: str) -> None:
    command, words = typer.main.get_command(app), shlex.split(line)
    while words and hasattr(command, "commands"):
        named = words[0] in command.commands
        command = command.commands[words.pop(0) if named else DEFAULT]
    command.make_context("facemod", words)  # raises for what it does not know


def test_options_in_the_text_exist() -> None:
    root = typer.main.get_command(app)
    commands = [*root.commands.values(), *root.commands["train"].commands.values()]
    known = {
        name for command in commands for option in command.params
        for name in (*option.opts, *option.secondary_opts)
    }  # fmt: skip
    assert known >= MENTIONED
