"""``facemod reconstruct``: what the model makes of a face, beside the face."""

from __future__ import annotations

from facemod.cli.batches import no_copies, plan_batch, shown
from facemod.cli.options import AllFaces, Common, FidelityOption, Many, PhotosOrList
from facemod.cli.performing import perform_batch
from facemod.cli.result import Result
from facemod.cli.session import (
    check_faces,
    check_fidelity,
    mark_for,
    mark_warning,
    open_editor,
    settle_fidelity,
)

SUFFIXES = (".reconstruction.png", ".input.png")


def reconstruct(
    common: Common,
    many: Many,
    photos: PhotosOrList = None,
    faces: AllFaces = "largest",
    fidelity: FidelityOption = "encode",
) -> Result:
    """Write NAME.input.png (the aligned face), NAME.reconstruction.png, and scores."""
    check_faces(faces)
    no_copies(many)
    check_fidelity(fidelity)
    settings = {"faces": faces, "fidelity": fidelity}
    batch = plan_batch("reconstruct", photos, common, many, SUFFIXES, settings)
    if many.dry_run:
        return shown(batch)
    from facemod.tasks import Reconstruct

    editor, aligner = open_editor(common)
    rung, words = settle_fidelity(fidelity, editor.model, len(batch.jobs))
    task = Reconstruct(mark_for(common, "synthetic", "reconstruct"), rung)
    return perform_batch(batch, task, editor, faces, (aligner, *words), mark_warning(common))
