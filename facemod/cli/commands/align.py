"""``facemod align``: the aligned square faces that the model sees."""

from __future__ import annotations

from facemod.batch import Outcome
from facemod.cli.options import AllFaces, Common, Photos
from facemod.cli.result import Result
from facemod.cli.running import done, face_outcome, perform, plan_photos, read
from facemod.cli.session import check_faces, open_editor
from facemod.planning import Job


def align(photos: Photos, common: Common, faces: AllFaces = "all") -> Result:
    """Write each photo's faces as upright squares (NAME.face.png), unedited."""
    check_faces(faces)
    jobs = plan_photos(photos, common, [".face.png"])
    editor, aligner = open_editor(common)

    def work(job: Job) -> Outcome:
        from facemod.imaging.marking import mark_in
        from facemod.imaging.sheet import tile
        from facemod.imaging.writing import write_image

        photo = read(job.source, common)
        crops = [editor.align(photo, face) for face in editor.faces(photo, faces)]
        picture = tile([crop.pixels for crop in crops], columns=len(crops))
        # Nothing is edited here, but a photo that was before stays marked.
        mark = mark_in(photo.source.xmp)
        write_image(picture, job.target, mark=mark, overwrite=common.overwrite)
        found = [face_outcome(crop.face, {"verify": crop.face.verify}) for crop in crops]
        return done(job, found, photo.source.notes)

    return perform("align", jobs, work, common, (aligner,))
