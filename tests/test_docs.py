"""The README tells the truth: its commands exist, its code runs, its tables are complete."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from facemod import __version__
from facemod.errors import ExitCode

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = (
    "train model",
    "edit", "mix", "morph", "reconstruct", "grid", "sample", "align", "presets list",
    "presets show", "presets learn", "presets sheet", "presets gallery", "presets rename",
    "presets remove", "presets export", "presets import", "models list", "models info",
    "train prepare", "train encoder", "train preview", "evaluate", "doctor", "bench", "models pull",
    "models import", "models verify", "models remove", "cache info", "cache clear",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_a_place_in_the_readme(command: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "facemod", *command.split(), "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Usage" in shown.stdout
    assert f"facemod {command}" in README


def test_python_blocks_run_in_order(tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.S)
    assert len(blocks) == 2
    script = "\n".join([*blocks, "assert images.shape == (1, 3, 1024, 1024)"])
    subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, check=True, env={"PYTHONPATH": str(ROOT)}
    )
    assert (tmp_path / "portrait-1-smiling.jpg").stat().st_size > 10_000


def test_exit_codes_are_all_documented() -> None:
    table = {int(code) for code in re.findall(r"^\| (\d+) \| ", README, flags=re.M)}
    assert table == {int(code) for code in ExitCode} - {ExitCode.BUG}


def test_files_that_the_documents_name_exist() -> None:
    for document in ("README.md", "MODEL_CARD.md"):
        text = (ROOT / document).read_text()
        for path in re.findall(r"`((?:examples|facemod|presets)/[\w./-]*\w)`", text):
            assert (ROOT / path).exists(), f"{document} names {path}"


def test_changelog_knows_this_version() -> None:
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
