"""``facemod reconstruct``: what the model makes of a face, beside the face."""

from __future__ import annotations

from facemod.cli.batches import no_copies, plan_batch, shown
from facemod.cli.options import AllFaces, Common, Many, PhotosOrList
from facemod.cli.performing import perform_batch
from facemod.cli.result import Result
from facemod.cli.session import check_faces, mark_for, mark_warning, open_editor

SUFFIXES = (".reconstruction.png", ".input.png")


def reconstruct(
    common: Common, many: Many, photos: PhotosOrList = None, faces: AllFaces = "largest"
) -> Result:
    """Write NAME.input.png (the aligned face), NAME.reconstruction.png, and scores."""
    check_faces(faces)
    no_copies(many)
    batch = plan_batch("reconstruct", photos, common, many, SUFFIXES, {"faces": faces})
    if many.dry_run:
        return shown(batch)
    from facemod.tasks import Reconstruct

    editor, aligner = open_editor(common)
    task = Reconstruct(mark_for(common, "synthetic", "reconstruct"))
    return perform_batch(batch, task, editor, faces, (aligner,), mark_warning(common))
