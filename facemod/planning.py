"""Plans: which photos were asked for, and where each one's results go.

All of it is settled before any work starts, so that trouble with names costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from facemod.errors import InputError, OutputError, OutputExistsError, UsageError

DEFAULT_OUTPUT = Path("facemod-output")
WRITABLE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")
# What counts as a photo when a folder is given; a file that is named is tried whatever it is.
READABLE_SUFFIXES = {*WRITABLE_SUFFIXES, ".heic", ".heif", ".avif", ".gif", ".bmp"}


@dataclass(frozen=True)
class Job:
    """One photo and where its results go, the main one first."""

    source: Path
    targets: tuple[Path, ...]

    @property
    def target(self) -> Path:
        """The main result."""
        return self.targets[0]


def find_inputs(
    paths: Sequence[Path], *, recursive: bool = False, output: Path = DEFAULT_OUTPUT
) -> list[tuple[Path, Path]]:
    """Every photo that was asked for, with its place below the folder it was found in.

    A folder stands for the photos in it (by suffix, sorted), but not for hidden ones nor for
    earlier results (what lies in ``output`` or in a folder called facemod-output). A file that
    was named stands for itself whatever it is, and fails later, alone, if it is no photo.

    Raises:
        InputError: nothing was found at all.
    """
    found: list[tuple[Path, Path]] = []
    for path in paths:
        if path.is_dir() and path.suffix.lower() not in READABLE_SUFFIXES:
            found += [(path / photo, photo) for photo in photos_in(path, recursive, output)]
        else:
            found.append((path, Path(path.name)))
    if not found:
        listing = ", ".join(str(path) for path in paths)
        hint = "" if recursive else " (use -r to look into sub-folders)"
        raise InputError(f"no photos in {listing}{hint}")
    return found


def photos_in(folder: Path, recursive: bool, output: Path) -> Iterator[Path]:
    """The photos of a folder as paths below it, sorted; see :func:`find_inputs`."""
    own, results = folder.resolve(), output.resolve()
    for path in sorted(folder.rglob("*") if recursive else folder.glob("*")):
        photo = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in photo.parts)
        below_output = own in results.parents and (own / photo).is_relative_to(results)
        is_result = below_output or DEFAULT_OUTPUT.name in photo.parts
        if photo.suffix.lower() in READABLE_SUFFIXES and not hidden and not is_result:
            yield photo


def plan(
    inputs: Sequence[tuple[Path, Path]],
    output: Path,
    *,
    suffixes: Sequence[str | None] = (None,),
    overwrite: bool = False,
    skip_existing: bool = False,
) -> list[Job]:
    """Give every input its outputs, refusing trouble before any work is done.

    Args:
        inputs: each photo, and its place below the folder it was found in.
        output: a folder, or the file itself when there is exactly one result.
        suffixes: one result per suffix, which replaces the end of the photo's name (``.png``,
            ``.compare.png``); None keeps its name and, where it can be written, its format.
        overwrite: results may replace files.
        skip_existing: results may be there already; such jobs are to be left out.

    Raises:
        UsageError: two inputs would be written to the same place, or one over an input.
        OutputExistsError: a target exists, and neither overwriting nor skipping was asked for.
        OutputError: nothing can be written there.
    """
    # A photo that was named twice, alone and by its folder, is still one photo.
    inputs = list({source.absolute(): (source, relative) for source, relative in inputs}.values())
    if names_a_file(output, results=len(inputs) * len(suffixes)):
        jobs = [Job(inputs[0][0], (output,))]
    else:
        jobs = [
            Job(source, tuple(output / result_name(relative, suffix) for suffix in suffixes))
            for source, relative in inputs
        ]
    refuse_collisions(jobs)
    targets = [target for job in jobs for target in job.targets]
    check_targets(
        targets, [job.source for job in jobs], overwrite=overwrite, skip_existing=skip_existing
    )
    return jobs


def plan_one(
    sources: Sequence[Path],
    output: Path,
    name: str,
    suffixes: Collection[str],
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
) -> Path:
    """Where the one result of several photos goes: ``output``, or ``name`` in that folder.

    Raises:
        UsageError: the file would end in none of ``suffixes``, or would replace an input.
        OutputError, OutputExistsError: as :func:`plan`.
    """
    target = output / name if output.is_dir() or not output.suffix else output
    if target.suffix.lower() not in suffixes:
        raise UsageError(
            f"-o {output}: name a folder, or a file that ends in {' or '.join(sorted(suffixes))}"
        )
    check_targets([target], sources, overwrite=overwrite, skip_existing=skip_existing)
    return target


def names_a_file(output: Path, *, results: int) -> bool:
    """Whether ``-o`` names the result itself and not the folder it goes to.

    Raises:
        UsageError: it looks like a file, but there are several results or no such format.
    """
    suffix = output.suffix.lower()
    if output.is_dir() or suffix not in READABLE_SUFFIXES:
        return False
    if suffix not in WRITABLE_SUFFIXES:
        raise UsageError(f"-o {output}: cannot write {suffix}; use {', '.join(WRITABLE_SUFFIXES)}")
    if results > 1:
        raise UsageError(f"-o {output}: one file cannot hold {results} results; name a folder")
    return True


def result_name(relative: Path, suffix: str | None) -> Path:
    """The name of a result: the input's own, in a format that can be written."""
    from facemod.imaging.writing import output_suffix

    if suffix is not None:
        return relative.with_name(relative.stem + suffix)
    return relative.with_suffix(output_suffix(relative))


def refuse_collisions(jobs: Iterable[Job]) -> None:
    """Raise UsageError when two results have the same name."""
    owners: dict[Path, Path] = {}
    for job in jobs:
        for target in job.targets:
            if target in owners:
                raise UsageError(
                    f"{owners[target]} and {job.source} would both be written to {target}; run "
                    "them apart with another -o each, or give the folder above them with -r"
                )
            owners[target] = job.source


def check_targets(
    targets: Sequence[Path], sources: Sequence[Path], *, overwrite: bool, skip_existing: bool
) -> None:
    """Refuse to replace an input, or anything else that nobody said to replace.

    Raises:
        UsageError, OutputExistsError, OutputError: see :func:`plan`.
    """
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other")
    inputs = {source.resolve() for source in sources}
    for target in targets:
        if target.resolve() in inputs:
            raise UsageError(
                f"{target} is an input: photos are never edited in place; choose another -o"
            )
    refuse_unwritable({target.parent for target in targets})
    existing = [target for target in targets if os.path.lexists(target)]
    if existing and not (overwrite or skip_existing):
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise OutputExistsError(
            f"{existing[0]}{more} exists already; nothing was done. "
            "Use --overwrite to replace, --skip-existing to keep, or another -o/--output"
        )


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Raise OutputError for a folder that cannot be made or written to."""
    for folder in folders:
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        if not there.is_dir():
            raise OutputError(f"{there} is a file, not a folder; choose another -o")
        if not os.access(there, os.W_OK | os.X_OK):
            raise OutputError(f"no permission to write in {there}; choose another -o")
