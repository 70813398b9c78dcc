"""``facemod align``: the aligned square faces that the model sees."""

from __future__ import annotations

from facemod.batch import Job, Outcome
from facemod.cli.options import AllFaces, Common, Photos
from facemod.cli.result import Result
from facemod.cli.running import done, face_outcome, perform, plan_photos
from facemod.cli.session import open_editor
from facemod.imaging.reading import open_photo
from facemod.imaging.sheet import tile
from facemod.imaging.writing import write_image


def align(photos: Photos, common: Common, faces: AllFaces = "all") -> Result:
    """Write each photo's faces as upright squares (NAME.face.png), unedited."""
    jobs = plan_photos(photos, common, ".face.png")
    editor, aligner = open_editor(common)

    def work(job: Job) -> Outcome:
        photo = open_photo(job.source, max_megapixels=common.max_megapixels)
        crops = [editor.align(photo, face) for face in editor.faces(photo, faces)]
        picture = tile([crop.pixels for crop in crops], columns=len(crops))
        write_image(picture, job.target, overwrite=common.overwrite)
        found = [face_outcome(crop.face, {"verify": crop.face.verify}) for crop in crops]
        return done(job, found, photo.source.notes)

    return perform("align", jobs, work, common, (aligner,))
