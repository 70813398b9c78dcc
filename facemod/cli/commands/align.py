"""``facemod align``: the aligned square faces that the model sees."""

from __future__ import annotations

from facemod.cli.batch import describe, find_photos, no_copies, plan_batch
from facemod.cli.look_options import AllFaces
from facemod.cli.options import Common, Many, PhotosOrList
from facemod.cli.result import Result
from facemod.cli.run import run_batch
from facemod.cli.session import Session
from facemod.editing.words import check_faces


def align(
    common: Common, many: Many, photos: PhotosOrList = None, faces: AllFaces = "all"
) -> Result:
    """Write each photo's faces as upright squares (NAME.face.png), unedited."""
    check_faces(faces)
    no_copies(many)
    found = find_photos("align", photos, common, many)
    batch = plan_batch(found, [".face.png"], {"faces": faces})
    if many.dry_run:
        return describe(batch)
    from facemod.editing.treatments import Alignment

    editor = Session(common).editor
    return run_batch(batch, Alignment(), editor, faces)
