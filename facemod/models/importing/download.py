"""Fetching one large file over a line that may fail: resumed, timed out, never half there."""

from __future__ import annotations

import http.client
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from facemod import __version__
from facemod.errors import ModelError, OutputError

# Bytes there so far, and in all (0 when the server does not say).
Report = Callable[[int, int], None]
TIMEOUT_SECONDS = 30.0
# Consecutive attempts that bring nothing; any that brings bytes starts the count anew.
ATTEMPTS = 4
PAUSE_SECONDS = 1.0
CHUNK = 1 << 18
# Worth another attempt: the server is busy or broken for the moment.
PASSING = {408, 425, 429, 500, 502, 503, 504}
OUT_OF_RANGE = 416


class CutError(OSError):
    """The connection ended before the file did."""


def download(
    url: str,
    target: Path,
    report: Report,
    *,
    timeout: float = TIMEOUT_SECONDS,
    attempts: int = ATTEMPTS,
    pause: float = PAUSE_SECONDS,
) -> None:
    """Fetch ``url`` to ``target``, going on from what an earlier run left beside it.

    Raises:
        ModelError: the server cannot be reached, or has no such file; what arrived is kept.
        OutputError: the disk is too small, or cannot be written.
    """
    part = Path(f"{target}.part")
    failures = 0
    while True:
        had = size_of(part)
        try:
            fetch(url, part, report, timeout)
            part.replace(target)
            etag_of(part).unlink(missing_ok=True)
            return
        except (CutError, urllib.error.URLError, http.client.HTTPException, OSError) as problem:
            refuse_lasting(url, problem)
            failures = 0 if size_of(part) > had else failures + 1
            if failures >= attempts:
                raise unreachable(url, problem, size_of(part)) from problem
        time.sleep(pause * failures)


def fetch(url: str, part: Path, report: Report, timeout: float) -> None:
    """One attempt: append to ``part`` what it lacks, or start anew if the file has changed."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(request_for(url, part), timeout=timeout) as response:
            start, total = bounds(response, size_of(part))
            refuse_small_disk(part.parent, total - start)
            etag_of(part).write_text(response.headers.get("ETag") or "")
            report(start, total)
            with part.open("r+b" if start else "wb") as file:
                file.seek(start)
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    report(file.tell(), total)
    except urllib.error.HTTPError as problem:
        if problem.code != OUT_OF_RANGE:
            raise
        if problem.headers.get("Content-Range", "") == f"bytes */{size_of(part)}":
            return  # all of it was there already
        part.unlink(missing_ok=True)
        raise CutError("what was there does not fit; starting anew") from problem
    if total and size_of(part) < total:
        raise CutError(f"the connection was cut after {size_of(part)} of {total} bytes")


def request_for(url: str, part: Path) -> urllib.request.Request:
    """A request for what is missing, if the file is still the one that ``part`` is part of."""
    request = urllib.request.Request(url, headers={"User-Agent": f"facemod/{__version__}"})
    etag = etag_of(part).read_text() if etag_of(part).exists() else ""
    # Without a strong tag nobody could tell whether the rest belongs to the same file.
    if size_of(part) and etag.startswith('"'):
        request.add_header("Range", f"bytes={size_of(part)}-")
        request.add_header("If-Range", etag)
    return request


def bounds(response: http.client.HTTPResponse, had: int) -> tuple[int, int]:
    """Where the answer starts in the file, and how long the file is (0 if nobody says)."""
    if response.status == http.HTTPStatus.PARTIAL_CONTENT:
        form = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if form is None or int(form[1]) != had:
            raise CutError("the server sent another part than was asked for")
        return had, int(form[2])
    return 0, int(response.headers.get("Content-Length") or 0)


def refuse_small_disk(folder: Path, needed: int) -> None:
    """Raise OutputError when the rest of the file does not fit."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{folder}: {needed / 1e6:.0f} MB are to come and {free / 1e6:.0f} MB are free; make "
            "room, or choose another folder by FACEMOD_MODELS_DIR"
        )


def refuse_lasting(url: str, problem: Exception) -> None:
    """Raise at once for what no further attempt would change."""
    if isinstance(problem, urllib.error.HTTPError):
        if problem.code not in PASSING:
            raise ModelError(f"{url}: the server says {problem.code} {problem.reason}") from problem
    elif isinstance(problem, OSError) and problem.filename is not None:
        words = f"{problem.filename}: cannot be written ({problem.strerror})"
        raise OutputError(words) from problem


def unreachable(url: str, problem: Exception, had: int) -> ModelError:
    """What to say when every attempt failed, and what to do about it."""
    reason = getattr(problem, "reason", None) or problem
    kept = f" {had / 1e6:.1f} MB arrived and are kept;" if had else ""
    return ModelError(
        f"cannot fetch {url} ({reason}).{kept} run the same command again to go on, or fetch the "
        "file on any machine that is online and use `facemod models import FILE`"
    )


def size_of(path: Path) -> int:
    """The size of a file in bytes, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def etag_of(part: Path) -> Path:
    """Where the server's tag for a partial file is noted."""
    return Path(f"{part}.etag")
