"""What a worker needs to know, as a value that can travel to another process or machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from facemod.editing.editor import Editor
from facemod.editing.treatments import Treatment
from facemod.imaging.limits import MAX_MEGAPIXELS
from facemod.jobs.journal import Log

OpenEditor = Callable[[str], Editor]
"""From a device to an editor there."""


@dataclass(frozen=True)
class Spec:
    """Everything that a worker needs to know, and how the results are to be written."""

    treatment: Treatment
    open_editor: OpenEditor
    device: str = "cpu"
    faces: str = "all"
    max_megapixels: float = MAX_MEGAPIXELS
    overwrite: bool = False
    skip_existing: bool = False
    on_no_face: str = "report"
    """``report``: it is a failure only where no photo has a face; ``fail``: it always is;
    ``skip``: it never is; ``copy``: the photo itself becomes the result."""
    batch_size: int = 1
    """Faces that go through the model together."""
    threads: int = 2
    """Photos that are read or written at the same time; 0 does everything in one thread."""
    loops: int = 1
    """Batches that go through the model at the same time, if there are so many cores."""
    log: Log | None = None
