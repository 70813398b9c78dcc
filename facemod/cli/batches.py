"""The plan of a command that makes something of each photo by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facemod import __version__, planning
from facemod.cli.options import Common, Many
from facemod.cli.result import Result, Table
from facemod.errors import UsageError
from facemod.inputs import Input, Shard, find_inputs, read_list
from facemod.journal import History, Log, digest_settings, new_run, unfinished
from facemod.models.fingerprint import fingerprint
from facemod.planning import Job

NO_FACE_CHOICES = ("fail", "skip", "copy")
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Batch:
    """A command's plan."""

    command: str
    common: Common
    many: Many
    jobs: list[Job]
    log: Log | None
    """Where the run is written down; a single result that was named itself leaves no log."""


def plan_batch(
    command: str,
    photos: Sequence[Path] | None,
    common: Common,
    many: Many,
    suffixes: Sequence[str | None],
    settings: Mapping[str, Any],
    edit: str = "",
) -> Batch:
    """What would be done, with everything checked that can be checked without the model.

    ``settings`` hold whatever this command's results depend on besides the photos and the
    options that all commands share; ``edit`` is what a template's ``{edit}`` stands for.
    """
    check_options(common, many)
    log = log_of(command, common, many, settings)
    history = History.of(log, clean=not many.dry_run) if log else History({})
    jobs = planning.plan(
        inputs_of(photos or (), common, many, history),
        common.output,
        suffixes=suffixes,
        edit=edit,
        overwrite=common.overwrite,
        skip_existing=common.skip_existing,
        made=history.with_settings(log.settings) if log else None,
    )
    return Batch(command, common, many, jobs, log)


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


def log_of(command: str, common: Common, many: Many, settings: Mapping[str, Any]) -> Log | None:
    """Where the run will be written down, and the digest of all that its results depend on."""
    folder = planning.fixed_part(common.output)
    if folder is None:
        return None
    everything = {
        **settings,
        "command": command,
        "facemod": __version__,
        "model": fingerprint(common.model),
        "noise": common.noise,
        "aligner": common.aligner,
        "mark": common.mark,
        "on_no_face": many.on_no_face,
    }
    shard = f"shard-{many.shard.replace('/', '-of-')}" if many.shard else ""
    return Log(folder, new_run(), digest_settings(everything), shard)


def inputs_of(photos: Sequence[Path], common: Common, many: Many, history: History) -> list[Input]:
    """The photos that the command line means."""
    separator = b"\0" if many.null else b"\n"
    listed = read_list(many.files_from, separator=separator) if many.files_from else []
    again = unfinished(many.retry_failed) if many.retry_failed else []
    if not (photos or many.files_from or many.retry_failed):
        raise UsageError("no photos: name some, or give --files-from or --retry-failed")
    if not (photos or listed):
        return again
    found = find_inputs(
        photos,
        recursive=common.recursive,
        output=common.output,
        listed=listed,
        shard=Shard.parse(many.shard) if many.shard else None,
        results=history.made,
    )
    return [*again, *found]


def shown(batch: Batch) -> Result:
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
    words = f"{len(jobs)} photos ({size / 1e6:.1f} MB): {counts}; nothing was done"
    table = Table(("photo", "result", "state"), rows)
    data = {"jobs": jobs, "totals": totals}
    return Result(batch.command, data=data, table=table, messages=(words,))


def state_of(job: Job, common: Common) -> str:
    """What is known of a job without reading the photo."""
    if any(not target.exists() for target in job.targets):
        return "missing" if not job.source.exists() else "new"
    return "exists" if common.skip_existing else "made before" if any(job.made) else "replace"
