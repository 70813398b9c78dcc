"""Showing results: in the desktop's viewer, or in the terminal. Nothing here can fail a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from facemod.cli.result import Result

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 8
"""Pictures that a terminal is filled with."""
LARGEST = 1600
"""Their longest side in px; terminals are slow."""
DONE = ("done", "skipped")


def files_of(result: Result) -> list[Path]:
    """The files that a command made, or found made already."""
    named = [o.output for o in result.outcomes if o.output and o.status in DONE]
    if isinstance(result.data, dict) and isinstance(result.data.get("file"), str):
        named.append(result.data["file"])
    return [path for path in map(Path, dict.fromkeys(named)) if path.is_file()]


def open_files(files: Sequence[Path]) -> list[str]:
    """Let the desktop show one file, or the folder of several; words on what did not work."""
    import typer

    if not files:
        return []
    common = os.path.commonpath([path.absolute() for path in files])
    place = common if len(files) == 1 or Path(common).is_dir() else str(Path(common).parent)
    if sys.platform not in ("darwin", "win32") and not _has_desktop():
        return [f"--open: there is no desktop to show {place}"]
    code = typer.launch(place)
    return [f"--open: the desktop's viewer ended with code {code}: {place}"] if code else []


def _has_desktop() -> bool:
    """Whether a Linux or BSD session has anything that opens files."""
    from shutil import which

    shown = {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    return bool(shown) and which("xdg-open") is not None


def show_files(files: Sequence[Path]) -> list[str]:
    """Draw pictures in the terminal; words on what did not work.

    Terminals with kitty's protocol or sixels show them sharply, all others in half characters.
    """
    if not is_terminal():
        return ["--show: stdout is no terminal"] if files else []
    try:
        words = [problem for path in files[:MOST] if (problem := _draw(path))]
    except ImportError:
        return ['--show needs an extra: pip install "facemod[show]"']
    except Exception as problem:  # terminals answer anything, and the package divides by it
        return [f"--show: this terminal cannot be drawn in ({problem!r})"]
    if len(files) > MOST:
        words.append(f"--show: {len(files) - MOST} more; --open shows their folder")
    return words


def _draw(path: Path) -> str:
    """Draw one file; what to say where that makes no sense."""
    from textual_image.renderable import Image as Renderable

    from facemod.cli import render

    small = _small(path)
    if small is None:
        return f"--show: {path} is no picture; --open shows it"
    render.picture(Renderable(small, width="auto"))
    return ""


def is_terminal() -> bool:
    """Whether somebody looks at stdout."""
    return sys.stdout.isatty()


def _small(path: Path) -> Image | None:
    """A picture file at a size for terminals; None for anything else, such as a film."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.thumbnail((LARGEST, LARGEST))
            return image.convert("RGB")
    except OSError:
        return None
