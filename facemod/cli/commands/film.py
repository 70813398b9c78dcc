"""Films on the command line: what ``facemod edit`` does with a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facemod.cli import render
from facemod.cli.options import Common, Many
from facemod.cli.result import Result
from facemod.cli.session import AUTO, Session, mark_warning
from facemod.cli.together import already_there, plan_together
from facemod.editing.results import ResultKind
from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.jobs.inputs import CLIP_SUFFIXES
from facemod.jobs.outcome import Outcome, attempt

if TYPE_CHECKING:
    from facemod.editing.looks import Look
    from facemod.latent.edits import Edit


def film_of(inputs: Sequence[Path]) -> Path | None:
    """The film among the inputs, if they are one; UsageError when it is not alone."""
    films = [path for path in inputs if path.suffix.lower() in CLIP_SUFFIXES]
    if films and len(inputs) > 1:
        raise UsageError(f"{films[0]}: edit films one at a time, apart from photos")
    return films[0] if films else None


def plan_film(film: Path, common: Common, many: Many, look: Look) -> Path:
    """Where the edited film goes; UsageError for options that are for photos only."""
    if many.dry_run or look.kind is not ResultKind.PHOTO or look.min_likeness is not None:
        raise UsageError(
            f"{film}: --dry-run, --crop, --compare and --min-likeness are for photos, not for films"
        )
    if look.fidelity not in ("auto", "transfer", "encode"):
        raise UsageError(
            f"{film}: --fidelity {look.fidelity} fits to one photo; films take transfer"
        )
    return plan_together([film], common, f"{film.stem}.mp4", (".mp4",))


def edit_film(
    film: Path, target: Path, session: Session[Common], look: Look, edit: Edit, recipe: str,
    settings: dict[str, Any], warnings: tuple[str, ...],
) -> Result:  # fmt: skip
    """Edit a film with a bar that counts frames, unless its result is there.

    Killed, the same command goes on. ``settings`` are what the result depends on.
    """
    from facemod.editing.editor import Fidelity
    from facemod.editing.films import Filming
    from facemod.imaging.clips import open_clip

    common = session.options
    messages = (session.editor.found_by,)
    if skipped := already_there("edit", [film], target, common):
        return skipped
    rung = Fidelity("transfer" if look.fidelity == AUTO else look.fidelity)
    retouch = look.retouch(edit, rung, recipe, mark=common.mark)
    filming = Filming(session.editor, retouch, look.faces)
    settings = {**settings, "fidelity": look.fidelity}

    def work() -> Outcome:
        clip = open_clip(film)
        facts = [str(film.resolve()), film.stat().st_mtime_ns, film.stat().st_size, settings]
        parts = target.with_name(f".{target.stem}.facemod-{digest(repr(facts).encode())[:12]}")
        with render.progress(clip.frames, shown=not common.quiet) as bar:
            frames, shown, faces = filming.run(
                clip, target, parts, overwrite=common.overwrite,
                progress=lambda what, done: bar.update(
                    bar.task_ids[0], completed=done, description=what
                ),
            )  # fmt: skip
        noun = "face" if faces == 1 else "faces"
        note = f"{frames} frames, {shown} of them with {faces} {noun} that changed"
        return Outcome(str(film), str(target), "done", notes=(note,))

    warnings = (*warnings, *mark_warning(common))
    return Result("edit", (attempt(film, work),), messages=messages, warnings=warnings)
