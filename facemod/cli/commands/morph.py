"""``facemod morph``: a film that walks from face to face."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from facemod import batch
from facemod.batch import Outcome
from facemod.cli import render
from facemod.cli.options import DEFAULT_OUTPUT, AllFaces, Common, Photos
from facemod.cli.result import Result
from facemod.cli.running import encode_photos, face_outcome
from facemod.cli.session import mark_for, mark_message, open_editor
from facemod.errors import UsageError
from facemod.imaging.video import SUFFIXES, write_video

FILM = "Film"
Seconds = Annotated[
    float, typer.Option(min=0.1, help="Length of the whole film.", rich_help_panel=FILM)
]
Fps = Annotated[float, typer.Option(min=1, max=60, help="Frames a second.", rich_help_panel=FILM)]
Size = Annotated[int, typer.Option(help="512 or 1024 px.", rich_help_panel=FILM)]
Ease = Annotated[
    str, typer.Option(help="Speed within a leg: linear, smooth or slow.", rich_help_panel=FILM)
]
Loop = Annotated[
    bool, typer.Option("--loop", help="Come back to the first face.", rich_help_panel=FILM)
]


def morph(
    photos: Photos,
    common: Common,
    seconds: Seconds = 4.0,
    fps: Fps = 30.0,
    size: Size = 512,
    ease: Ease = "smooth",
    loop: Loop = False,
    faces: AllFaces = "largest",
) -> Result:
    """Walk from face to face: [bold]facemod morph a.jpg b.jpg c.jpg -o morph.mp4[/] (or .gif, .webp)."""
    from facemod.latent.interpolate import walk

    if size not in (512, 1024):
        raise UsageError(f"--size {size}: films are 512 or 1024 px")
    target = film_target(common)
    steps = list(walk(len(photos), round(seconds * fps), ease=ease, loop=loop))
    editor, aligner = open_editor(common)
    encoded, problems = encode_photos(editor, photos, common, faces)
    if problems:
        return Result("morph", tuple(problems), messages=(aligner,))
    chosen = [found[0] for _, found in encoded]
    from facemod.morph import morph_frames

    with render.progress(len(steps), shown=not common.quiet) as bar:
        frames = morph_frames(editor.model, chosen, steps, size)
        counted = bar.track(frames, task_id=bar.task_ids[0], description=f"{target.name}")
        mark = mark_for(common, "synthetic", f"morph of {len(photos)} photos")
        count = write_video(counted, target, fps, mark=mark, overwrite=common.overwrite)
    outcomes = tuple(
        Outcome(str(path), str(target), "done", faces=(face_outcome(face.crop.face, {}),))
        for path, face in zip(photos, chosen, strict=True)
    )
    film = f"{target}: {count} frames, {count / fps:.1f} s at {fps:g} fps, verified"
    return Result("morph", outcomes, messages=(aligner, film, *mark_message(common)))


def film_target(common: Common) -> Path:
    """Where the film goes; refused before any work when it cannot be written there."""
    target = common.output
    if target == DEFAULT_OUTPUT or target.is_dir():
        target = target / "morph.mp4"
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(f"-o {target}: a film ends in one of {', '.join(SUFFIXES)}")
    if not common.overwrite:
        batch.refuse_existing([target])
    return target
