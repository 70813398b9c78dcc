"""``facemod reconstruct``: what the model makes of a face, beside the face."""

from __future__ import annotations

from facemod.cli.batches import find_photos, no_copies, plan_batch, shown
from facemod.cli.looks import Opening
from facemod.cli.options import AllFaces, Common, FidelityOption, Many, MinLikeness, PhotosOrList
from facemod.cli.performing import perform_batch
from facemod.cli.result import Result
from facemod.cli.session import check_faces, mark_for, mark_warning

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
    opening = Opening(common, fidelity)
    found = find_photos("reconstruct", photos, common, many)
    count = len(found.without())
    rung = opening.rung_for_log(count, many)
    settings = {"faces": faces, "fidelity": rung, "min-likeness": min_likeness}
    batch = plan_batch(found, SUFFIXES, settings)
    if many.dry_run:
        return shown(batch)
    from facemod.editing.treatments import Reconstruct

    mark = mark_for(common, "synthetic", "reconstruct")
    task = Reconstruct(mark, opening.rung(count), min_likeness)
    words = opening.messages(count)
    return perform_batch(batch, task, opening.editor, faces, words, mark_warning(common))
