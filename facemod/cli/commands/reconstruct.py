"""``facemod reconstruct``: what the model makes of a face, beside the face."""

from __future__ import annotations

from facemod.batch import Job, Outcome
from facemod.cli.options import AllFaces, Common, Photos
from facemod.cli.result import Result
from facemod.cli.running import done, face_outcome, perform, plan_photos
from facemod.cli.session import mark_for, mark_message, open_editor
from facemod.imaging.reading import open_photo
from facemod.imaging.sheet import tile
from facemod.imaging.writing import write_image
from facemod import batch


def reconstruct(photos: Photos, common: Common, faces: AllFaces = "largest") -> Result:
    """Write NAME.input.png (the aligned face), NAME.reconstruction.png, and scores."""
    jobs = plan_photos(photos, common, ".reconstruction.png")
    inputs = {job.target: job.target.with_name(job.source.stem + ".input.png") for job in jobs}
    if not (common.overwrite or common.skip_existing):
        batch.refuse_existing(list(inputs.values()))
    editor, aligner = open_editor(common)
    mark = mark_for(common, "synthetic", "reconstruct")

    def work(job: Job) -> Outcome:
        from facemod.pipeline import reconstruction_scores, to_pixels

        photo = open_photo(job.source, max_megapixels=common.max_megapixels)
        encoded = [editor.encode(photo, face) for face in editor.faces(photo, faces)]
        columns = len(encoded)
        before = tile([face.crop.pixels for face in encoded], columns=columns)
        after = tile([to_pixels(face.reconstruction)[0] for face in encoded], columns=columns)
        overwrite = common.overwrite or common.skip_existing
        write_image(before, inputs[job.target], overwrite=overwrite)
        write_image(after, job.target, mark=mark, overwrite=common.overwrite)
        found = [face_outcome(f.crop.face, reconstruction_scores(f)) for f in encoded]
        return done(job, found, photo.source.notes)

    return perform("reconstruct", jobs, work, common, (aligner, *mark_message(common)))
