"""Standard streams as shells hand them over: open, closed, full, or gone half-way."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_unwritten: list[str] = []


class Forgiving:
    """stderr for people: what nobody can receive is lost, and nothing else happens."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        try:
            return int(self.stream.write(text))
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError, ValueError):
            self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def make_usable() -> None:
    """Put the null device where a stream was closed, and mind no trouble with stderr.

    Otherwise the next file that is opened would take the number of the closed stream, and what is
    printed would go into that file. A closed stdin stays ``None``, so that who reads it can say so.
    """
    number = os.open(os.devnull, os.O_RDWR)
    while number <= 2:
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    _unwritten.clear()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as we live
    if not isinstance(sys.stderr, Forgiving):
        sys.stderr = Forgiving(sys.stderr)  # type: ignore[assignment]


@contextmanager
def data() -> Iterator[None]:
    """Around writing to stdout. When it cannot be written the run goes on, and remembers why.

    A reader that went away has read all that it wanted; that is no failure.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as problem:
        if not isinstance(problem, BrokenPipeError):
            _unwritten.append(problem.strerror or str(problem))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritten() -> str:
    """Why something could not be written to stdout; nothing if all could."""
    return _unwritten[0] if _unwritten else ""
