"""The run log: what a run planned, wrote and finished, one JSON object a line.

It lies in a hidden folder beside the results and serves three ends. People and ``--retry-failed``
read what became of each photo. The next run of the same command reads what was made, from what,
and goes on from there. And because every result is announced before it gets its name, a run that
was killed at any instant leaves nothing that the next one could mistake.

Each run writes files of its own, so runs never wait for each other, and a line that was cut
short by a crash damages nothing else.
"""

from __future__ import annotations

import errno
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from facemod.errors import InputError, OutputError
from facemod.files import locks
from facemod.files.digests import digest

FOLDER = ".facemod"
TEMPORARY = re.compile(r"\.facemod-[0-9a-f]+\.")


@dataclass(frozen=True)
class Made:
    """What an earlier run wrote down about a result of the same settings.

    ``source`` is the digest of the photo that it was made from, ``result`` that of the file.
    """

    source: str
    result: str


@dataclass(frozen=True)
class Log:
    """Where a run writes: the folder of its results, its name, and its settings' digest."""

    folder: Path
    run: str
    settings: str
    """Of everything besides the photo that decides on the pixels of a result."""
    shard: str = ""
    """Shards keep their logs apart, so that each reads no more than its own."""

    @property
    def home(self) -> Path:
        """The folder of the logs of all runs."""
        return self.folder / FOLDER / self.shard

    @property
    def path(self) -> Path:
        """The file that tells what became of each photo."""
        return self.home / f"{self.run}.jsonl"

    def part(self) -> Log:
        """A log of the same run for one of its workers."""
        return replace(self, run=f"{self.run}.{os.urandom(4).hex()}")


@dataclass
class Journal:
    """One file of a run's log, made when the first line is written. Threads may share it."""

    log: Log
    _stream: IO[str] | None = field(default=None, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def write(self, kind: str, facts: dict[str, Any], *, durable: bool = False) -> None:
        """Append one line; ``durable`` ones survive a power cut. Raises OutputError."""
        line = json.dumps({kind: facts}, ensure_ascii=True) + "\n"
        try:
            with self._lock:
                stream = self._opened()
                stream.write(line)
                stream.flush()
                if durable:
                    os.fsync(stream.fileno())
        except OSError as problem:
            full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
            words = "the disk is full" if full else problem.strerror or problem
            raise OutputError(
                f"{self.log.path}: the run log cannot be written: {words}"
            ) from problem

    def announce(self, target: Path, temporary: Path, source: str, result: str) -> None:
        """Write down that ``target`` is about to appear, before any of its bytes do."""
        facts = {
            "target": os.path.relpath(target, self.log.folder),
            "temporary": os.path.relpath(temporary, self.log.folder),
            "settings": self.log.settings,
            "source": source,
            "result": result,
        }
        self.write("writing", facts, durable=True)

    def close(self) -> None:
        """Close the file; the run is over."""
        if self._stream is not None:
            self._stream.close()

    def _opened(self) -> IO[str]:
        if self._stream is None:
            path = self.log.path
            path.parent.mkdir(parents=True, exist_ok=True)
            self._stream = path.open("x", encoding="ascii")
            # Where it cannot be held, nobody cleans up after this run.
            locks.hold(self._stream)
        return self._stream


def new_run() -> str:
    """A name for a run: when it began, and something that no other run has."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{os.urandom(3).hex()}"


def digest_settings(settings: Mapping[str, Any]) -> str:
    """What settings are known by: the order of their names makes no difference."""
    return digest(json.dumps(settings, sort_keys=True).encode())


@dataclass(frozen=True)
class History:
    """What earlier runs made in a folder: for each result, by absolute path, settings and facts."""

    made: dict[Path, list[tuple[str, Made]]]
    """The last one is the newest; a run that was killed may not have come to put it there."""

    @classmethod
    def of(cls, log: Log, *, clean: bool) -> History:
        """Read the logs beside ``log``; ``clean`` removes what dead runs left half written."""
        made: dict[Path, list[tuple[str, Made]]] = {}
        base = log.folder.absolute()
        for file in sorted(log.home.glob("*.jsonl")):
            over = clean and locks.is_left(file)
            for facts in lines_of(file, "writing"):
                with suppress(KeyError, TypeError):  # of another version, or damaged
                    target = Path(os.path.normpath(base / facts["target"]))
                    one = Made(facts["source"], facts["result"])
                    made.setdefault(target, []).append((facts["settings"], one))
                    if over:
                        _remove_temporary(base / facts["temporary"])
        return cls(made)

    def with_settings(self, settings: str | None) -> dict[Path, tuple[Made, ...]]:
        """The results that were made with the same settings, or with any for None."""
        same = {
            target: tuple(made for its, made in all_ if settings in (None, its))
            for target, all_ in self.made.items()
        }
        return {target: made for target, made in same.items() if made}


def _remove_temporary(path: Path) -> None:
    # A log says it, and a log may say anything: nothing but our temporary files goes.
    if TEMPORARY.match(path.name):
        with suppress(OSError, ValueError):
            path.unlink(missing_ok=True)


def lines_of(log: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The facts of every whole line of one kind."""
    with log.open(encoding="ascii", errors="replace") as stream:
        for line in stream:
            with suppress(ValueError, AttributeError, RecursionError):
                if (facts := json.loads(line).get(kind)) is not None:
                    yield facts


def others_are_at_it(log: Log) -> bool:
    """Whether another process is writing results of the same settings into the same folder."""
    for file in log.home.glob("*.jsonl"):
        runs = lines_of(file, "run")
        if locks.is_held(file) and any(facts.get("settings") == log.settings for facts in runs):
            return True
    return False


def unfinished(log: Path) -> list[tuple[Path, Path]]:
    """The photos of a run, with their places, that failed or were never reached.

    Raises:
        InputError: this is no run log.
    """
    try:
        planned = {facts["input"]: facts for facts in lines_of(log, "planned")}
        for outcome in lines_of(log, "outcome"):
            if outcome["status"] in ("done", "skipped"):
                planned.pop(outcome["input"], None)
        return [(Path(facts["input"]), Path(facts["place"])) for facts in planned.values()]
    except OSError as problem:
        raise InputError(f"--retry-failed {log}: {problem.strerror or problem}") from problem
    except (KeyError, TypeError) as problem:
        raise InputError(f"--retry-failed {log}: this is no run log") from problem
