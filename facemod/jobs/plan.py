"""Plans: where each photo's results go.

All of it is settled before any work starts, so that trouble with names costs nothing.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Formatter

from facemod.errors import OutputError, OutputExistsError, UsageError
from facemod.jobs.inputs import READABLE_SUFFIXES, WRITABLE_SUFFIXES, Input
from facemod.jobs.journal import Made

FIELDS = ("dir", "sub", "stem", "ext", "edit")
Destination = Callable[[Path, Path, str | None], Path]
"""The result of a photo: its file, its place below the folder it was found in, the suffix."""


@dataclass(frozen=True)
class Job:
    """One photo and where its results go, the main one first."""

    source: Path
    targets: tuple[Path, ...]
    place: Path = Path()
    """The photo below the folder it was found in."""
    made: tuple[tuple[Made, ...], ...] = ()
    """For each target, what earlier runs made there with the same settings."""

    @property
    def target(self) -> Path:
        """The main result."""
        return self.targets[0]


def plan(
    inputs: Sequence[Input],
    output: Path,
    *,
    suffixes: Sequence[str | None] = (None,),
    edit: str = "",
    overwrite: bool = False,
    skip_existing: bool = False,
    made: Mapping[Path, tuple[Made, ...]] | None = None,
    kept: Collection[Path] = (),
) -> list[Job]:
    """Give every input its outputs, refusing trouble before any work is done.

    Args:
        inputs: each photo, and its place below the folder it was found in.
        output: a folder, a template (see :func:`destination`), or the file itself when there is
            exactly one result.
        suffixes: one result per suffix, which replaces the end of the photo's name (``.png``,
            ``.compare.png``); None keeps its name and, where it can be written, its format.
        edit: what ``{edit}`` stands for in a template.
        overwrite: results may replace files.
        skip_existing: results may be there already; such jobs are to be left out.
        made: results of the same settings that earlier runs wrote, by absolute path. They may
            be there; it depends on the photos whether they are still good.
        kept: photos that have no results here, but must not be replaced either.

    Raises:
        UsageError: two inputs would be written to the same place, or one over an input.
        OutputExistsError: a target exists, and neither overwriting nor skipping was asked for.
        OutputError: nothing can be written there.
    """
    made = made or {}
    # A photo that was named twice, alone and by its folder, is still one photo.
    inputs = list({source.absolute(): (source, place) for source, place in inputs}.values())
    target_of = destination(output, results=len(inputs) * len(suffixes), edit=edit)
    jobs = [
        Job(source, tuple(target_of(source, place, suffix) for suffix in suffixes), place)
        for source, place in inputs
    ]
    jobs = tell_apart(jobs, target_of, suffixes)
    refuse_collisions(jobs)
    check_targets(
        [target for job in jobs for target in job.targets],
        [*(job.source for job in jobs), *kept],
        overwrite=overwrite,
        skip_existing=skip_existing,
        made=made,
    )
    if made:
        jobs = [replace(j, made=tuple(made.get(t.absolute(), ()) for t in j.targets)) for j in jobs]
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


def destination(output: Path, *, results: int, edit: str = "") -> Destination:
    """How ``-o`` names results.

    A template holds fields in braces: ``{dir}`` the photo's folder, ``{sub}`` the photo's
    folders below the one that was given, ``{stem}`` its name, ``{ext}`` the end of the result's
    name with its dot, ``{edit}`` the edit in short; ``{{`` is a brace.

    Raises:
        UsageError: an unknown field, or one file for several results.
    """
    if is_template(output):
        return _template(output, edit)
    if names_a_file(output, results=results):
        return lambda source, place, suffix: output
    return lambda source, place, suffix: output / result_name(place, suffix)


def is_template(output: Path) -> bool:
    """Whether ``-o`` is a template and not a folder or file of that name."""
    return "{" in str(output) and not output.exists()


def fixed_part(output: Path) -> Path | None:
    """The folder that all results share: where their log goes. None when ``-o`` names a file."""
    if is_template(output):
        parts = output.parts
        return Path(*parts[: next(i for i, part in enumerate(parts) if "{" in part)])
    return None if names_a_file(output, results=1) else output


def _template(output: Path, edit: str) -> Destination:
    text = str(output)
    hint = f"a template knows {', '.join('{' + name + '}' for name in FIELDS)}; {{{{ is a brace"
    try:
        fields = [(field, spec, how) for _, field, spec, how in Formatter().parse(text)]
    except ValueError as problem:
        raise UsageError(f"-o {output}: {problem}; {hint}") from problem
    for field, spec, how in fields:
        if field is not None and (field not in FIELDS or spec or how):
            raise UsageError(f"-o {output}: {{{field}}} is no field; {hint}")
    if "{ext}" not in output.name and output.suffix.lower() not in WRITABLE_SUFFIXES:
        raise UsageError(f"-o {output}: end it in {{ext}} or {', '.join(WRITABLE_SUFFIXES)}")

    def target(source: Path, place: Path, suffix: str | None) -> Path:
        ext = suffix or result_name(place, None).suffix
        sub = place.parent
        values = {"dir": source.parent, "sub": sub, "stem": place.stem, "ext": ext, "edit": edit}
        return Path(text.format(**values))

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


def result_name(place: Path, suffix: str | None) -> Path:
    """The name of a result: the input's own, in a format that can be written."""
    from facemod.imaging.writing import output_suffix

    if suffix is not None:
        return place.with_name(place.stem + suffix)
    return place.with_suffix(output_suffix(place))


def tell_apart(
    jobs: Sequence[Job], target_of: Destination, suffixes: Sequence[str | None]
) -> list[Job]:
    """Jobs like IMG_1.jpg and IMG_1.heic, whose results would both be IMG_1.jpg, told apart.

    A photo whose result cannot have the photo's own name keeps that whole name: IMG_1.heic.jpg.
    """
    rivals: dict[Path, list[Job]] = defaultdict(list)
    for job in jobs:
        rivals[job.target].append(job)

    def full_name(job: Job) -> Job:
        if len(rivals[job.target]) == 1 or job.target.name == job.source.name:
            return job
        # The photo's own suffix becomes a part of its stem.
        longer = job.place.with_name(f"{job.place.name}{result_name(job.place, None).suffix}")
        return replace(job, targets=tuple(target_of(job.source, longer, s) for s in suffixes))

    return [full_name(job) for job in jobs]


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
    targets: Sequence[Path],
    sources: Sequence[Path],
    *,
    overwrite: bool,
    skip_existing: bool,
    made: Collection[Path] = (),
) -> None:
    """Refuse to replace an input, or anything else that nobody said to replace.

    Targets in ``made`` (absolute paths) may be there.

    Raises:
        UsageError, OutputExistsError, OutputError: see :func:`plan`.
    """
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other")
    # Unlike Path.resolve, realpath does not mind links that lead in circles.
    inputs = {os.path.realpath(source) for source in sources}
    for target in targets:
        if os.path.realpath(target) in inputs:
            raise UsageError(
                f"{target} is an input: photos are never edited in place; choose another -o"
            )
    refuse_unwritable({target.parent for target in targets})
    existing = [t for t in targets if os.path.lexists(t) and t.absolute() not in made]
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
