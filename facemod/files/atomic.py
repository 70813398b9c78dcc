"""Files that appear complete or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facemod.errors import OutputError, OutputExistsError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_path(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path beside ``path``, with its suffix, that becomes ``path`` at the end.

    Makes missing folders. When the body raises anything, Ctrl-C included, the temporary file is
    removed and ``path`` stays as it was. Raises OutputExistsError when ``path`` is taken, also
    by someone faster, unless ``overwrite``; other OSErrors come out as OutputError.
    """
    path = Path(path)
    temporary = path.with_name(f".facemod-{os.urandom(8).hex()}{path.suffix}")
    try:
        _refuse_taken(path, overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _settle(temporary, path, overwrite)
    except OSError as problem:
        raise OutputError(f"{path}: {_in_words(problem, path)}") from problem
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_bytes(
    data: bytes,
    path: str | Path,
    *,
    overwrite: bool = False,
    announce: Callable[[Path], None] = lambda temporary: None,
) -> None:
    """Write a whole file atomically. Raises the errors of :func:`atomic_path`.

    ``announce`` hears the name of the temporary file before that file is there.
    """
    with atomic_path(path, overwrite=overwrite) as temporary:
        announce(temporary)
        temporary.write_bytes(data)


def _refuse_taken(path: Path, overwrite: bool) -> None:
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    if not overwrite and os.path.lexists(path):
        raise OutputExistsError(
            f"{path}: exists already; --overwrite replaces it, --skip-existing leaves it alone"
        )


def _settle(temporary: Path, path: Path, overwrite: bool) -> None:
    with temporary.open("rb+") as stream:
        os.fsync(stream.fileno())
    if overwrite:
        if path.exists():
            shutil.copymode(path, temporary)
        temporary.replace(path)
        return
    try:
        os.link(temporary, path)  # unlike replace, it never takes the place of another file
    except OSError:  # taken by someone faster, or a file system without hard links
        _refuse_taken(path, overwrite)
        temporary.replace(path)


def _in_words(problem: OSError, path: Path) -> str:
    if problem.errno in _FULL:
        return "the disk is full (or a quota is used up); nothing was written"
    if problem.errno in _FORBIDDEN:
        return f"no permission to write in {path.parent}; choose another place with -o"
    return f"cannot be written ({problem.strerror or problem})"
