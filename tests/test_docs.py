"""The documents tell the truth: commands parse, code runs, tables are complete."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner
from walking import walked

import facemod
from facemod import __version__
from facemod.errors import ExitCode

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
PAPERS = [ROOT / "README.md", ROOT / "MODEL_CARD.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {paper: paper.read_text() for paper in PAPERS}
EVERYTHING = "\n".join(TEXTS.values()).replace("\\\n", " ")
LINES = sorted({line for line in re.findall(r"^ {4}facemod (.*)$", EVERYTHING, flags=re.M)})
# Presets that readers make themselves while they follow the documents.
THEIRS = {"--wink": "--smile", "--smile-ffhq512": "--smile"}
LONGEST_README = 640
PARSER = """
import json, sys, typer
from facemod.cli.app import app
from facemod.cli.groups import DEFAULT

def complaint(words):
    command = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        named = words[0] in command.commands
        command = command.commands[words.pop(0) if named else DEFAULT]
    try:
        command.make_context("facemod", words)
    except typer.TyperException as problem:
        return problem.format_message()
    return ""

print(json.dumps([complaint(words) for words in json.load(sys.stdin)]))
"""


def app_with_the_bundled_presets() -> typer.Typer:
    """The command line, imported anew: other tests import it with presets of their own."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if "facemod.cli" in name}
    try:
        found = importlib.import_module("facemod.cli.app").app
        list(walked(typer.main.get_command(found)))  # commands are imported when they are asked for
        return found
    finally:
        for name in [name for name in sys.modules if "facemod.cli" in name]:
            del sys.modules[name]
        sys.modules.update(kept)
        if kept:  # the package knows its parts by attribute as well
            facemod.cli = kept["facemod.cli"]


app = app_with_the_bundled_presets()
ROOT_COMMAND = typer.main.get_command(app)
COMMANDS = dict(walked(ROOT_COMMAND))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_place_in_the_guide(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout
    assert f"`facemod {command}" in TEXTS[GUIDE / "README.md"]


def test_commands_in_the_guides_table_exist() -> None:
    named = re.findall(r"`facemod ((?:[a-z]+ ?)+)", TEXTS[GUIDE / "README.md"])
    assert len(named) > 20
    assert {name.strip() for name in named} <= set(COMMANDS)


def test_there_are_commands_to_follow() -> None:
    assert len(LINES) > 40


@pytest.fixture(scope="module")
def complaints() -> dict[str, str]:
    """What the command line says of each line; in a process where all presets are the real ones."""
    lines = json.dumps([as_installed(line) for line in LINES])
    ended = subprocess.run(
        [sys.executable, "-c", PARSER], input=lines, cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return dict(zip(LINES, json.loads(ended.stdout), strict=True))


def as_installed(line: str) -> list[str]:
    """The words of a line, with presets that come with facemod for those that readers make."""
    return [THEIRS.get(word, word) for word in shlex.split(line, comments=True)]


@pytest.mark.parametrize("line", LINES)
def test_a_command_parses(complaints: dict[str, str], line: str) -> None:
    assert complaints[line] == ""


def test_options_in_the_text_exist() -> None:
    known = {
        name
        for command in COMMANDS.values()
        for option in command.params
        for name in (*option.opts, *option.secondary_opts)
    }
    mentioned = set()
    for text in (*(TEXTS[p] for p in TEXTS if p.parent == GUIDE), TEXTS[ROOT / "README.md"]):
        mentioned |= set(re.findall(r"(?:^|\s)`(--[a-z-]+)", text))
    others = {"--pip-args", "--torch-backend"}  # of pipx and uv
    assert len(mentioned) > 25
    assert mentioned <= known | others


def test_python_blocks_run_in_order(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = re.findall(r"```python\n(.*?)```", TEXTS[GUIDE / "python.md"], flags=re.S)
    assert len(blocks) == 2
    script = "\n".join([*blocks, "assert images.shape == (1, 3, 1024, 1024)"])
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert (tmp_path / "portrait-1-smiling.jpg").stat().st_size > 10_000


def test_exit_codes_are_all_documented() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \| ", TEXTS[GUIDE / "errors.md"], re.M)}
    assert table == {int(code) for code in ExitCode} - {ExitCode.BUG}


def test_files_that_the_documents_name_exist() -> None:
    for document in (ROOT / "README.md", ROOT / "MODEL_CARD.md"):
        for path in re.findall(r"`((?:examples|facemod|presets)/[\w./-]*\w)`", TEXTS[document]):
            assert (ROOT / path).exists(), f"{document.name} names {path}"


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: str(paper.relative_to(ROOT)))
def test_links_lead_somewhere(paper: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXTS[paper]):
        target, _, section = link.partition("#")
        if link.startswith("http"):
            continue
        there = (paper.parent / target).resolve() if target else paper
        assert there.exists(), link
        if section:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.M)
            anchors = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert section in anchors, link


def test_the_readme_is_short_and_shows_pictures() -> None:
    readme = TEXTS[ROOT / "README.md"]
    assert len(readme.split()) <= LONGEST_README
    assert len(re.findall(r"^!\[.+\]\(docs/images/", readme, re.M)) == 3


def test_every_page_of_the_guide_is_linked_from_the_readme_and_the_guide() -> None:
    for page in GUIDE.glob("*.md"):
        assert f"docs/guide/{page.name}" in TEXTS[ROOT / "README.md"]
        assert page.name == "README.md" or f"]({page.name})" in TEXTS[GUIDE / "README.md"]


def test_changelog_knows_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
