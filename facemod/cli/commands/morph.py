"""``facemod morph``: a film that walks from face to face."""

from __future__ import annotations

from typing import Annotated

import typer

from facemod.cli import render
from facemod.cli.look_options import AllFaces, FidelityOption
from facemod.cli.options import Common, Photos
from facemod.cli.result import Result
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.cli.together import all_photos, already_there, encode_photos, plan_together
from facemod.editing.words import check_faces, check_fidelity
from facemod.errors import UsageError
from facemod.jobs.inputs import require_all

FILM = "Film"
Seconds = Annotated[
    float,
    typer.Option(min=0.1, max=3600, help="Length of the whole film.", rich_help_panel=FILM),
]
Fps = Annotated[
    float,
    typer.Option(min=1, max=60, help="Frames a second.", rich_help_panel=FILM),
]
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
    fidelity: FidelityOption = "transfer",
) -> Result:
    """Walk from face to face: [bold]morph a.jpg b.jpg c.jpg -o morph.mp4[/] (or .gif, .webp)."""
    if size not in (512, 1024):
        raise UsageError(f"--size {size}: films are 512 or 1024 px")
    check_faces(faces, one=True)
    check_fidelity(fidelity)
    found = all_photos(photos, common)
    photos = found.paths
    require_all(photos)
    from facemod.editing.corridor import reconstruct
    from facemod.editing.morph import morph_frames
    from facemod.imaging.video import SUFFIXES, write_video
    from facemod.latent.interpolate import walk

    steps = list(walk(len(photos), round(seconds * fps), ease=ease, loop=loop))
    target = plan_together(photos, common, "morph.mp4", SUFFIXES)
    if skipped := already_there("morph", photos, target, common):
        return skipped
    session = Session(common, size, fidelity)
    editor, rung = session.editor, session.rung(len(photos))
    encoded, problems = encode_photos(editor, photos, common, [faces] * len(photos), rung)
    if problems:
        return Result("morph", problems)
    scores = [reconstruct(photo.faces[0]).scores for photo in encoded]
    mark = mark_unless(common, "synthetic", f"morph of {len(photos)} photos")
    with render.progress(len(steps), shown=not common.quiet) as bar:
        faces_met = [photo.faces[0] for photo in encoded]
        frames = morph_frames(editor.model, faces_met, steps, size, rung)
        counted = bar.track(frames, len(steps), task_id=bar.task_ids[0], description=target.name)
        count = write_video(counted, target, fps, mark=mark, overwrite=common.overwrite)
    film = f"{target}: {count} frames, {count / fps:.1f} s at {fps:g} fps, verified"
    return Result(
        "morph",
        tuple(photo.done(target, [s]) for photo, s in zip(encoded, scores, strict=True)),
        messages=(*found.words, *session.messages(len(photos)), film),
        warnings=mark_warning(common),
    )
