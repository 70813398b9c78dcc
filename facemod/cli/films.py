"""Films on the command line: what ``facemod edit`` does with a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facemod.cli import render
from facemod.cli.options import Common, Many
from facemod.cli.result import Result
from facemod.cli.running import already_there, plan_together
from facemod.editing.results import ResultKind
from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.jobs import outcome as batch
from facemod.jobs.inputs import CLIP_SUFFIXES
from facemod.jobs.outcome import Outcome

if TYPE_CHECKING:
    from facemod.editing.films import Filming
    from facemod.imaging.marking import Mark


def film_of(inputs: Sequence[Path]) -> Path | None:
    """The film among the inputs, if they are one; UsageError when it is not alone."""
    films = [path for path in inputs if path.suffix.lower() in CLIP_SUFFIXES]
    if films and len(inputs) > 1:
        raise UsageError(f"{films[0]}: edit films one at a time, apart from photos")
    return films[0] if films else None


def plan_film(
    film: Path, common: Common, many: Many, kind: ResultKind, fidelity: str,
    min_likeness: float | None,
) -> Path:  # fmt: skip
    """Where the edited film goes; UsageError for options that are for photos only."""
    if many.dry_run or kind is not ResultKind.PHOTO or min_likeness is not None:
        raise UsageError(
            f"{film}: --dry-run, --crop, --compare and --min-likeness are for photos, not for films"
        )
    if fidelity not in ("auto", "transfer", "encode"):
        raise UsageError(f"{film}: --fidelity {fidelity} fits to one photo; films take transfer")
    return plan_together([film], common, f"{film.stem}.mp4", (".mp4",))


def edit_film(
    film: Path, target: Path, filming: Filming, settings: dict[str, Any], common: Common,
    mark: Mark | None,
) -> Outcome:  # fmt: skip
    """Edit a film with a bar that counts frames. Killed, the same command goes on."""
    from facemod.imaging.clips import open_clip

    def work() -> Outcome:
        clip = open_clip(film)
        facts = [str(film.resolve()), film.stat().st_mtime_ns, film.stat().st_size, settings]
        parts = target.with_name(f".{target.stem}.facemod-{digest(repr(facts).encode())[:12]}")
        with render.progress(clip.frames, shown=not common.quiet) as bar:
            frames, shown, faces = filming.run(
                clip, target, parts, mark=mark, overwrite=common.overwrite,
                progress=lambda what, done: bar.update(
                    bar.task_ids[0], completed=done, description=what
                ),
            )  # fmt: skip
        noun = "face" if faces == 1 else "faces"
        note = f"{frames} frames, {shown} of them with {faces} {noun} that changed"
        return Outcome(str(film), str(target), "done", notes=(note,))

    return batch.attempt(film, work)


def film_result(
    film: Path, target: Path, filming: Filming, settings: dict[str, Any], common: Common,
    mark: Mark | None, messages: tuple[str, ...], warnings: tuple[str, ...],
) -> Result:  # fmt: skip
    """The result of editing a film, or of leaving one that is there."""
    if skipped := already_there("edit", [film], target, common):
        return skipped
    outcome = edit_film(film, target, filming, settings, common, mark)
    return Result("edit", (outcome,), messages=messages, warnings=warnings)
