"""``facemod reconstruct``: what the model makes of a face, beside the face."""

from __future__ import annotations

from facemod.batch import Outcome
from facemod.cli.options import AllFaces, Common, Photos
from facemod.cli.result import Result
from facemod.cli.running import done, face_outcome, perform, plan_photos, read
from facemod.cli.session import check_faces, mark_for, mark_warning, open_editor
from facemod.planning import Job

SUFFIXES = (".reconstruction.png", ".input.png")


def reconstruct(photos: Photos, common: Common, faces: AllFaces = "largest") -> Result:
    """Write NAME.input.png (the aligned face), NAME.reconstruction.png, and scores."""
    check_faces(faces)
    jobs = plan_photos(photos, common, SUFFIXES)
    editor, aligner = open_editor(common)
    mark = mark_for(common, "synthetic", "reconstruct")

    def work(job: Job) -> Outcome:
        from facemod.imaging.marking import mark_in
        from facemod.imaging.sheet import tile
        from facemod.imaging.writing import write_image
        from facemod.pipeline import reconstruction_scores, to_pixels

        photo = read(job.source, common)
        encoded = [editor.encode(photo, face) for face in editor.faces(photo, faces)]
        after = tile([to_pixels(face.reconstruction)[0] for face in encoded], columns=len(encoded))
        before = tile([face.crop.pixels for face in encoded], columns=len(encoded))
        marks = (mark, mark_in(photo.source.xmp))
        for target, picture, its_mark in zip(job.targets, (after, before), marks, strict=True):
            if not (common.skip_existing and target.exists()):
                write_image(picture, target, mark=its_mark, overwrite=common.overwrite)
        found = [face_outcome(face.crop.face, reconstruction_scores(face)) for face in encoded]
        return done(job, found, photo.source.notes)

    return perform("reconstruct", jobs, work, common, (aligner,), mark_warning(common))
