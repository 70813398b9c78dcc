"""``facemod align``: the aligned square faces that the model sees."""

from __future__ import annotations

from facemod.cli.batches import find_photos, no_copies, plan_batch, shown
from facemod.cli.options import AllFaces, Common, Many, PhotosOrList
from facemod.cli.performing import perform_batch
from facemod.cli.result import Result
from facemod.cli.session import check_faces, open_editor


def align(
    common: Common, many: Many, photos: PhotosOrList = None, faces: AllFaces = "all"
) -> Result:
    """Write each photo's faces as upright squares (NAME.face.png), unedited."""
    check_faces(faces)
    no_copies(many)
    found = find_photos("align", photos, common, many)
    batch = plan_batch(found, [".face.png"], {"faces": faces})
    if many.dry_run:
        return shown(batch)
    from facemod.editing.treatments import Align

    editor, aligner = open_editor(common)
    return perform_batch(batch, Align(), editor, faces, (aligner,))
