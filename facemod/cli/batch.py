"""The plan of a command that makes something of each photo by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facemod import __version__
from facemod.cli.options import Common, Many
from facemod.cli.result import Result, Table
from facemod.errors import UsageError
from facemod.jobs import inputs, plan
from facemod.jobs.inputs import Input, Shard, read_list
from facemod.jobs.journal import History, Log, digest_settings, new_run, unfinished
from facemod.jobs.plan import Job
from facemod.models.fingerprint import fingerprint

NO_FACE_CHOICES = ("report", "fail", "skip", "copy")
ENGINES = ("local", "ray")
AUTO = "auto"


@dataclass(frozen=True)
class Found:
    """The photos that a command line means, before anything is decided about them."""

    command: str
    common: Common
    many: Many
    log: Log | None
    """Where the run is written down, its settings not yet known; a single result that was named
    itself leaves no log."""
    history: History
    again: list[Input]
    """Those of ``--retry-failed``, which are this shard's."""
    inputs: list[Input]
    """All others, those of other shards included."""
    words: tuple[str, ...] = ()
    """What there is to say about what was found."""

    def without(self, apart: Collection[Path] = ()) -> list[Input]:
        """This shard's photos that are not among those ``apart``; the first one if all are."""
        absolute = {path.absolute() for path in apart}
        left = [photo for photo in self.inputs if photo[0].absolute() not in absolute]
        left = left or ([] if self.again else self.inputs[:1])
        shard = Shard.parse(self.many.shard) if self.many.shard else None
        return [*self.again, *(p for p in left if shard is None or shard.holds(p[1]))]


@dataclass(frozen=True)
class Batch:
    """A command's plan."""

    command: str
    common: Common
    many: Many
    jobs: list[Job]
    log: Log | None
    """Where the run is written down; a single result that was named itself leaves no log."""
    words: tuple[str, ...] = ()
    """What there is to say about what was found."""


def find_photos(command: str, photos: Sequence[Path] | None, common: Common, many: Many) -> Found:
    """What the command line means, and what earlier runs made of it.

    Raises:
        UsageError: options that make no sense, or no photos.
        InputError: nothing was found.
    """
    check_options(common, many)
    log = log_of(common, many)
    history = History.of(log, clean=not many.dry_run) if log else History({})
    again = unfinished(many.retry_failed) if many.retry_failed else []
    found = inputs_of(photos or (), common, many, history)
    return Found(command, common, many, log, history, again, found.photos, found.words)


def plan_batch(
    found: Found,
    suffixes: Sequence[str | None],
    settings: Mapping[str, Any],
    edit: str = "",
    apart: Collection[Path] = (),
) -> Batch:
    """What would be done, with everything checked that can be checked without the model.

    ``settings`` hold whatever this command's results depend on besides the photos and the
    options that all commands share; ``edit`` is what a template's ``{edit}`` stands for.
    Photos ``apart`` have no results of their own, and are not replaced either.
    """
    common, log = found.common, found.log
    if log:
        log = replace(log, settings=digest_of(found, settings))
    # Before the model is loaded, as for --dry-run, it is unknown which rung auto will take.
    decided = settings.get("fidelity") != AUTO
    jobs = plan.plan(
        found.without(apart),
        common.output,
        suffixes=suffixes,
        edit=edit,
        overwrite=common.overwrite,
        skip_existing=common.skip_existing,
        made=found.history.with_settings(log.settings if decided else None) if log else None,
        kept=apart,
    )
    return Batch(found.command, common, found.many, jobs, log, found.words)


def check_options(common: Common, many: Many) -> None:
    """Raise UsageError for options that make no sense, alone or together."""
    if many.on_no_face not in NO_FACE_CHOICES:
        known = ", ".join(NO_FACE_CHOICES)
        raise UsageError(f"--on-no-face {many.on_no_face}: unknown; choose one of {known}")
    if many.engine not in ENGINES:
        raise UsageError(f"--engine {many.engine}: unknown; choose one of {', '.join(ENGINES)}")
    if common.json and many.jsonl:
        raise UsageError("--json and --jsonl both want stdout; choose one")
    if many.null and not many.files_from:
        raise UsageError("--null says how the list of --files-from is written; give one")


def no_copies(many: Many) -> None:
    """Raise UsageError for ``--on-no-face copy`` where results are no photos."""
    if many.on_no_face == "copy":
        raise UsageError("--on-no-face copy: the results here are faces, not photos")


def log_of(common: Common, many: Many) -> Log | None:
    """Where the run will be written down."""
    folder = plan.fixed_part(common.output)
    if folder is None:
        return None
    shard = f"shard-{many.shard.replace('/', '-of-')}" if many.shard else ""
    return Log(folder, new_run(), "", shard)


def digest_of(found: Found, settings: Mapping[str, Any]) -> str:
    """The digest of all that results depend on besides their photos."""
    common = found.common
    everything = {
        **settings,
        "command": found.command,
        "facemod": __version__,
        "model": fingerprint(common.model),
        "noise": common.noise,
        "aligner": common.aligner,
        "mark": common.mark,
        "on_no_face": found.many.on_no_face,
    }
    return digest_settings(everything)


def inputs_of(photos: Sequence[Path], common: Common, many: Many, history: History) -> inputs.Found:
    """The photos that the command line names, those of other shards included."""
    separator = b"\0" if many.null else b"\n"
    listed = read_list(many.files_from, separator=separator) if many.files_from else []
    if not (photos or many.files_from or many.retry_failed):
        raise UsageError("no photos: name some, or give --files-from or --retry-failed")
    if many.retry_failed and not (photos or listed):
        return inputs.Found([], [])
    return inputs.find_inputs(
        photos,
        recursive=common.recursive,
        output=common.output,
        listed=listed,
        results=history.made,
        take_results=common.take_results,
    )


def describe(batch: Batch) -> Result:
    """The plan itself as a result: what ``--dry-run`` prints."""
    states = [state_of(job, batch.common) for job in batch.jobs]
    rows = [
        (str(job.source), str(target), state)
        for job, state in zip(batch.jobs, states, strict=True)
        for target in job.targets
    ]
    jobs = [
        {"input": str(job.source), "outputs": [str(t) for t in job.targets], "state": state}
        for job, state in zip(batch.jobs, states, strict=True)
    ]
    size = sum(job.source.stat().st_size for job in batch.jobs if job.source.is_file())
    totals = {"photos": len(jobs), "bytes": size} | {s: states.count(s) for s in set(states)}
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    told = f"{len(jobs)} photos ({size / 1e6:.1f} MB): {counts}; nothing was done"
    table = Table(("photo", "result", "state"), rows)
    data = {"jobs": jobs, "totals": totals}
    return Result(batch.command, data=data, table=table, messages=(*batch.words, told))


def state_of(job: Job, common: Common) -> str:
    """What is known of a job without reading the photo."""
    if any(not target.exists() for target in job.targets):
        return "missing" if not job.source.exists() else "new"
    return "exists" if common.skip_existing else "made before" if any(job.made) else "replace"
