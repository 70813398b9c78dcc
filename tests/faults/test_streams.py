"""Closed and full streams, and signals: no traceback, the right exit code, no photo lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODES = {"edit": 0, "jsonl": 0, "stdin": 3, "list": 0, "typo": 3, "usage": 2}
pytestmark = pytest.mark.timeout(900)
PRINTING = ("jsonl", "list")


@pytest.fixture(scope="module")
def attempts() -> dict[tuple[str, str], dict]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    ended = subprocess.run(
        [sys.executable, "-m", "faults.streams"],
        env=environment, capture_output=True, text=True, timeout=850,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    facts = map(json.loads, ended.stdout.splitlines())
    return {(fact["command"], fact["mess"]): fact for fact in facts}


@pytest.mark.parametrize("command", CODES)
def test_any_streams_may_be_closed(attempts, command):
    messes = {mess: facts for (name, mess), facts in attempts.items() if name == command}
    assert len(messes) == 10
    for mess, facts in messes.items():
        full = mess == "stdout full" and command in PRINTING
        assert facts["code"] == (6 if full else CODES[command]), facts
        assert "Traceback" not in facts["said"], facts
        assert "bug" not in facts["said"], facts
        assert facts["photo"] == (command == "edit"), facts


def test_a_closed_stdin_is_named(attempts):
    assert "there is no standard input (it is closed)" in attempts["stdin", "closed:0"]["said"]


def test_a_full_stdout_is_named(attempts):
    said = attempts["list", "stdout full"]["said"]
    assert "stdout cannot be written: No space left on device" in said


def test_nothing_printed_ends_up_in_files(attempts):
    data = {facts["data"] for (name, _), facts in attempts.items() if name in ("edit", "typo")}
    assert data == {""}


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [(signal.SIGTERM, 143, "another SIGTERM leaves it"), (signal.SIGINT, 130, "Ctrl-C again")],
)
def test_signals_have_their_own_codes_and_words(attempts, number, code, words):
    facts = attempts["signal", str(int(number))]
    assert facts["code"] == code
    assert words in facts["said"]
    assert ("Ctrl-C" in facts["said"]) == (number == signal.SIGINT)
