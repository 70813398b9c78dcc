"""Faces through the model in batches, smaller ones when memory runs out."""

from __future__ import annotations

from collections.abc import Sequence

from facemod.editing.corridor import EditedFace
from facemod.editing.editor import Editor
from facemod.editing.treatments import Treatment
from facemod.errors import FacemodError, explained, is_out_of_memory
from facemod.faces.face import Crop


class FaceLoop:
    """Gives faces to the model, ``size`` at a time."""

    def __init__(self, treatment: Treatment, editor: Editor, size: int) -> None:
        self.treatment, self.editor, self.size = treatment, editor, size

    def run(self, crops: Sequence[Crop]) -> list[EditedFace | FacemodError]:
        """For each face its result, or why there is none. One bad face fails alone."""
        done: list[EditedFace | FacemodError] = []
        while len(done) < len(crops):
            done += self._some(crops[len(done) : len(done) + self.size])
        return done

    def _some(self, crops: Sequence[Crop]) -> list[EditedFace | FacemodError]:
        """Results for some of the first faces, at least for none when memory ran out."""
        try:
            return list(self.treatment.faces(self.editor, crops))
        except Exception as problem:  # whatever it is, it must not end the faces around
            if len(crops) == 1:
                return [explained(problem)]
            if not is_out_of_memory(problem):
                return [result for crop in crops for result in self._some([crop])]
        # Here the failed attempt's tensors are gone.
        self.size = (len(crops) + 1) // 2
        release_memory(self.editor)
        return []


def release_memory(editor: Editor) -> None:
    """Give memory that torch keeps for later back to the GPU."""
    import torch

    if editor.model.device.type == "cuda":
        torch.cuda.empty_cache()
