"""Files that are held as long as the process lives that opened them.

Where a platform or a file system knows no such locks, nothing is ever held, and nobody may take
a file for left behind.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def hold(stream: IO[str]) -> None:
    """Hold an open file until this process ends, if that can be done."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(path: Path) -> bool:
    """Whether a process that lives holds a file; False if that cannot be told."""
    return _state(path) is True


def is_left(path: Path) -> bool:
    """Whether the process that held a file is gone; False if that cannot be told."""
    return _state(path) is False


def _state(path: Path) -> bool | None:
    """Whether a file is held; None if that cannot be told."""
    if fcntl is None:
        return None
    try:
        with path.open() as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False
