"""Inputs: the photos that a command line means, from files, folders, globs and lists."""

from __future__ import annotations

import glob
import os
import re
import sys
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from facemod.errors import InputError, MissingInputsError, UsageError

DEFAULT_OUTPUT = Path("facemod-output")
WRITABLE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
# What counts as a photo when a folder is given; a file that is named is tried whatever it is.
READABLE_SUFFIXES = {*WRITABLE_SUFFIXES, ".heic", ".heif", ".avif", ".gif", ".bmp"}
CLIP_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
LOOP_SUFFIXES = (".gif", ".webp")

Input = tuple[Path, Path]
"""A photo, and its place below the folder that it was found in."""


class Found(NamedTuple):
    """The photos that were asked for, and what lies between them."""

    photos: list[Input]
    results: list[Path]
    """Earlier results in the same folders, which were left out."""

    @property
    def paths(self) -> list[Path]:
        """The photos without their places."""
        return [path for path, _ in self.photos]

    @property
    def words(self) -> tuple[str, ...]:
        """What there is to say about that."""
        if not self.results:
            return ()
        several = "earlier results" if len(self.results) > 1 else "earlier result"
        return (
            f"left out {len(self.results)} {several} of facemod, such as {self.results[0]}; "
            "--take-results takes them as photos",
        )


@dataclass(frozen=True)
class Shard:
    """One of ``count`` parts of the inputs, counted from 1."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``3/8`` as a shard; UsageError for another form."""
        form = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        if form is None or not 1 <= int(form[1]) <= int(form[2]):
            raise UsageError(f"--shard {text}: expected I/N with I from 1 to N, for example 3/8")
        return cls(int(form[1]), int(form[2]))

    def holds(self, place: Path) -> bool:
        """Whether a photo belongs to this shard; photos whose results may collide stay together.

        It depends on nothing but the photo's place, so that machines need not agree on anything
        else, and new photos move no others.
        """
        return zlib.crc32(os.fsencode(place.with_suffix(""))) % self.count == self.number - 1


def find_inputs(
    paths: Sequence[Path],
    *,
    recursive: bool = False,
    output: Path = DEFAULT_OUTPUT,
    listed: Sequence[Path] = (),
    results: Collection[Path] = (),
    take_results: bool = False,
) -> Found:
    """Every photo that was asked for, with its place below the folder it was found in.

    A folder stands for the photos in it (by suffix, sorted), but not for hidden ones nor for
    earlier results: what lies in ``output`` or in a folder called facemod-output, the absolute
    paths in ``results``, and, unless ``take_results`` or there is nothing else, whatever says so
    in its metadata. A file that was named stands for itself whatever it is, and fails later,
    alone, if it is no photo; so does a folder that cannot be listed. A name that does not exist
    but holds ``*``, ``?`` or ``[`` is a glob. ``listed`` photos keep the folders of their paths.

    Raises:
        InputError: nothing was found at all.
        MissingInputsError: nothing that was named exists.
    """
    found: list[Input] = []
    earlier: list[Path] = []
    for path in paths:
        inside = _inside(path, recursive, output, results)
        if inside is None:
            found.append((path, Path(path.name)))
            continue
        left_out = set() if take_results else _results_in(inside)
        found += [photo for photo in inside if photo[0] not in left_out]
        earlier += [path for path, _ in inside if path in left_out]
    found += [(path, _place_of(path)) for path in listed]
    refuse_missing([path for path, _ in found])
    if not found:
        listing = ", ".join(str(path) for path in paths) or "the list"
        hint = "" if recursive else " (use -r to look into sub-folders)"
        raise InputError(f"no photos in {listing}{hint}")
    return Found(found, earlier)


def refuse_missing(paths: Sequence[Path]) -> None:
    """Raise MissingInputsError if there are paths and none of them exists."""
    if paths and all(_is_missing(path) for path in paths):
        raise MissingInputsError(paths)


def require_all(paths: Sequence[Path], others: Sequence[Path] = ()) -> None:
    """Raise MissingInputsError if any of ``paths`` is missing; ``others`` are idle without it."""
    if missing := [path for path in paths if _is_missing(path)]:
        idle = dict.fromkeys(path for path in (*others, *paths) if path not in missing)
        raise MissingInputsError(missing, list(idle))


def _is_missing(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):  # it may be there; whoever opens it will say what is wrong
        return False
    return False


def _inside(
    path: Path, recursive: bool, output: Path, results: Collection[Path]
) -> list[Input] | None:
    """What a folder or glob stands for; None for a file."""
    if _is_folder(path):
        photos = [(path / place, place) for place in photos_in(path, recursive, output)]
        return [photo for photo in photos if photo[0].absolute() not in results]
    if glob.has_magic(str(path)) and not os.path.lexists(path):
        return list(_matches(path))
    return None


def _results_in(inside: Sequence[Input]) -> set[Path]:
    """Those that say they are earlier results; where there is nothing else, they are meant."""
    from facemod.imaging.marking import is_result

    results = {path for path, _ in inside if is_result(path)}
    return results if len(results) < len(inside) else set()


def _place_of(listed: Path) -> Path:
    """The place of a photo from a list: all of its path that may lie below a folder."""
    return Path(*(part for part in listed.parts if part not in (listed.anchor, "..")))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name too long, for example
        return False


def _matches(pattern: Path) -> Iterator[Input]:
    """The photos that a glob matches, with their places below its fixed part."""
    parts = pattern.parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    base = Path(*parts[:fixed])
    for path in sorted(base.glob(str(Path(*parts[fixed:])))):
        photo = path.suffix.lower() in READABLE_SUFFIXES and not path.is_dir()
        if photo and DEFAULT_OUTPUT.name not in path.parts:
            yield path, path.relative_to(base)


def photos_in(folder: Path, recursive: bool, output: Path) -> Iterator[Path]:
    """The photos of a folder as paths below it, sorted; see :func:`find_inputs`.

    Links to folders are not followed, so that no loop is walked.
    """
    own, results = Path(os.path.realpath(folder)), Path(os.path.realpath(output))
    unlisted: list[str] = []

    def note(problem: OSError) -> None:
        unlisted.append(problem.filename)

    for here, folders, files in os.walk(folder, onerror=note):
        place = Path(here).relative_to(folder)
        yield from (place / name for name in sorted(files) if _is_photo_name(name))
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and name != DEFAULT_OUTPUT.name
            and not (own in results.parents and own / place / name == results)
        )
    yield from (Path(name).relative_to(folder) for name in unlisted)


def _is_photo_name(name: str) -> bool:
    return Path(name).suffix.lower() in READABLE_SUFFIXES and not name.startswith(".")


def read_list(source: str, *, separator: bytes = b"\n") -> list[Path]:
    """The paths in a file, or on standard input for ``-``, one a line or between NUL bytes.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    if source == "-" and sys.stdin is None:
        raise InputError("--files-from -: there is no standard input (it is closed)")
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as problem:
        raise InputError(f"--files-from {source}: {problem.strerror or problem}") from problem
    names = data.split(separator)
    if separator == b"\n":
        names = [name.removesuffix(b"\r") for name in names]
    return [Path(os.fsdecode(name)) for name in names if name]
