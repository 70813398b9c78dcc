"""Looks: how results are to be, in the words that the command line and the Python API share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facemod.editing.preview import Preview, Row
from facemod.editing.results import ResultKind, mark_for
from facemod.editing.treatments import Retouch
from facemod.editing.words import AUTO, check_faces, check_fidelity, parse_size
from facemod.fidelity.fitting import fitting_model
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.regions import Regions
from facemod.fidelity.timing import fit_seconds
from facemod.files.folders import fits_folder
from facemod.imaging.limits import MAX_MEGAPIXELS
from facemod.latent.edits import Edit
from facemod.models.base import Effort, FaceModel, FittingModel

AUTO_SECONDS = 120  # that the fidelity auto may spend on fitting


@dataclass(frozen=True)
class Look:
    """Which faces are drawn, where on them, how large and how faithfully."""

    faces: str
    regions: Regions | None
    fidelity: str
    side: float | None
    """As :class:`facemod.editing.editor.Editor` takes it."""
    kind: ResultKind
    min_likeness: float | None

    @classmethod
    def of(
        cls,
        *,
        faces: str = "all",
        fidelity: str = "transfer",
        size: str = "auto",
        only: str = "",
        protect: str = "",
        mask: Path | NDArray[np.uint8] | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        min_likeness: float | None = None,
        crop: bool = False,
        compare: bool = False,
        preview: bool = False,
    ) -> Look:
        """The words, checked.

        Raises:
            UsageError: they make no sense.
            InputError: the mask cannot be read.
        """
        check_faces(faces)
        regions = Regions.parse(only, protect, mask, max_megapixels)
        check_fidelity(fidelity)
        kind = ResultKind.of(crop=crop, compare=compare, preview=preview)
        return cls(faces, regions, fidelity, parse_size(size, kind), kind, min_likeness)

    def drafts(self, rows: Sequence[Row], rung: Fidelity, recipe: str, *, mark: bool) -> Preview:
        """The treatment that draws each face in ``rows`` of variants, to choose from."""
        label = mark_for(self.kind.mark_kind(rung), recipe) if mark else None
        return Preview(tuple(rows), rung, label, self.regions)

    def retouch(self, edit: Edit, rung: Fidelity, recipe: str, *, mark: bool = True) -> Retouch:
        """The treatment that gives every photo this look; ``recipe`` is for the mark."""
        kind = self.kind
        label = mark_for(kind.mark_kind(rung), recipe) if mark else None
        return Retouch(edit, rung, kind, label, self.regions, self.min_likeness)


def settle_fidelity(name: str, model: FaceModel, photos: int) -> tuple[Fidelity, tuple[str, ...]]:
    """What a ``--fidelity`` that was checked means here, and what there is to say about it.

    Raises:
        UsageError: the model cannot be fitted to photos.
    """
    if name != AUTO:
        rung = Fidelity(name)
        if rung.effort is not None:
            fitting_model(model, rung.effort)
        return rung, ()
    if not isinstance(model, FittingModel):
        return Fidelity.TRANSFER, (f"fidelity: transfer ({model.info.family} cannot be fitted)",)
    for effort in (Effort.ADAPT, Effort.REFINE):
        seconds = photos * fit_seconds(model, effort, fits_folder())
        if seconds <= AUTO_SECONDS:
            return Fidelity(effort.value), (
                f"fidelity: {effort.value} (about {seconds:.0f} s for {photos} photos)",
            )
    return Fidelity.TRANSFER, (f"fidelity: transfer ({photos} photos are too many to fit to)",)
