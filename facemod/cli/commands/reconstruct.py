"""``facemod reconstruct``: what the model makes of a face, beside the face."""

from __future__ import annotations

from facemod.cli.batch import describe, find_photos, no_copies, plan_batch
from facemod.cli.look_options import AllFaces, FidelityOption, MinLikeness
from facemod.cli.options import Common, Many, PhotosOrList
from facemod.cli.result import Result
from facemod.cli.run import run_batch
from facemod.cli.session import Session, mark_unless, mark_warning
from facemod.editing.words import check_faces

SUFFIXES = (".reconstruction.png", ".input.png")


def reconstruct(
    common: Common,
    many: Many,
    photos: PhotosOrList = None,
    faces: AllFaces = "largest",
    fidelity: FidelityOption = "encode",
    min_likeness: MinLikeness = None,
) -> Result:
    """Write NAME.input.png (the aligned face), NAME.reconstruction.png, and scores."""
    check_faces(faces)
    no_copies(many)
    session = Session(common, fidelity=fidelity)
    found = find_photos("reconstruct", photos, common, many)
    count = len(found.without())
    rung = session.rung_for_log(count, dry_run=many.dry_run)
    settings = {"faces": faces, "fidelity": rung, "min-likeness": min_likeness}
    batch = plan_batch(found, SUFFIXES, settings)
    if many.dry_run:
        return describe(batch)
    from facemod.editing.treatments import Reconstruction

    mark = mark_unless(common, "synthetic", "reconstruct")
    treatment = Reconstruction(mark, session.rung(count), min_likeness)
    words = session.messages(count)
    return run_batch(batch, treatment, session.editor, faces, words, mark_warning(common))
