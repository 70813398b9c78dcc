"""A film as a job: where its result goes, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facemod.errors import UsageError
from facemod.files.digests import digest
from facemod.jobs.inputs import CLIP_SUFFIXES, LOOP_SUFFIXES, require_all
from facemod.jobs.outcome import Outcome, attempt
from facemod.jobs.plan import plan_one

if TYPE_CHECKING:
    from facemod.editing.films import Filming, Progress


def film_of(inputs: Sequence[Path]) -> Path | None:
    """The film among the inputs, if they are one; UsageError when it is not alone.

    An animated GIF or WebP is a film when it is alone, and a photo of its first frame in a batch.
    """
    if len(inputs) == 1 and inputs[0].suffix.lower() in LOOP_SUFFIXES:
        from facemod.imaging.loops import is_loop

        return inputs[0] if is_loop(inputs[0]) else None
    films = [path for path in inputs if path.suffix.lower() in CLIP_SUFFIXES]
    if films and len(inputs) > 1:
        raise UsageError(f"{films[0]}: edit films one at a time, apart from photos")
    return films[0] if films else None


def plan_film(film: Path, output: Path, *, overwrite: bool, skip_existing: bool) -> Path:
    """Where the edited film goes. Raises as :func:`facemod.jobs.plan.plan_one` does."""
    require_all([film])
    loops = film.suffix.lower() in LOOP_SUFFIXES
    name, suffixes = (film.name, LOOP_SUFFIXES) if loops else (f"{film.stem}.mp4", (".mp4",))
    return plan_one(
        [film], output, name, suffixes, overwrite=overwrite, skip_existing=skip_existing
    )


def edit_film(
    film: Path, target: Path, filming: Filming, settings: Mapping[str, Any],
    *, overwrite: bool, progress: Progress,
) -> Outcome:  # fmt: skip
    """Edit a film. Killed, the same call goes on; ``settings`` are what its result depends on."""
    return attempt(film, partial(_edit, film, target, filming, settings, overwrite, progress))


def _edit(
    film: Path, target: Path, filming: Filming, settings: Mapping[str, Any],
    overwrite: bool, progress: Progress,
) -> Outcome:  # fmt: skip
    from facemod.imaging.clips import open_clip

    clip = open_clip(film)
    facts = [str(film.resolve()), film.stat().st_mtime_ns, film.stat().st_size, dict(settings)]
    parts = target.with_name(f".{target.stem}.facemod-{digest(repr(facts).encode())[:12]}")
    frames, shown, faces = filming.run(clip, target, parts, overwrite=overwrite, progress=progress)
    noun = "face" if faces == 1 else "faces"
    note = f"{frames} frames, {shown} of them with {faces} {noun} that changed"
    notes = (note, "one pixel of each odd side was cut off") if any(clip.cut) else (note,)
    return Outcome(str(film), str(target), "done", notes=notes)
