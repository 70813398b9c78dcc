"""The editor: a model and a detector, opened, and the first half of a face's way.

    photo -> faces -> upright crops -> codes

The second half is :mod:`facemod.editing.corridor`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import torch.nn.functional as F
from torch import Tensor

from facemod.errors import NoFaceError
from facemod.faces.align import crop_face, square_side
from facemod.faces.choice import choose
from facemod.faces.face import Crop, Detector, Face
from facemod.fidelity.fitting import fitted
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.store import FitStore, fit_store
from facemod.fidelity.tones import Toned
from facemod.imaging.photo import Photo
from facemod.latent.codes import Codes
from facemod.models.base import Drawn, FaceModel, Watch, draw, unwatched
from facemod.tensors.pixels import to_tensor

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class EncodedFace:
    """One aligned face with its codes."""

    crop: Crop
    codes: Codes
    model: FaceModel = field(repr=False)
    before: Drawn | None = field(default=None, repr=False)
    """What the decoder makes of the codes, if that is known."""

    @cached_property
    def reconstruction(self) -> Tensor:
        """What the decoder makes of the codes, on the CPU: [1, 3, R, R] in [-1, 1]."""
        if self.before is not None:
            return self.before.image.cpu()
        return self.model.decode(self.codes, len(self.crop.pixels)).cpu()

    def decoded(self) -> EncodedFace:
        """The same face with ``before`` known, for many edits to share."""
        return replace(self, before=draw(self.model, self.codes, len(self.crop.pixels)))


@dataclass(frozen=True)
class Editor:
    """A model and a detector: everything needed to edit photos in memory."""

    model: FaceModel
    detector: Detector
    size: float | None = math.inf
    """Faces are worked on at the smallest of the model's sizes that has so many px or more, if
    there is one. None: as many as the face has in its photo."""
    fits: FitStore = field(default_factory=fit_store)
    """Where fits to photos are remembered."""
    watch: Watch = unwatched
    """Sees each step of a fit, and may raise to end it."""

    def cut_out(self, photo: Photo, which: str = "all") -> list[Crop]:
        """The chosen faces of a photo, left to right, as upright squares.

        Raises:
            NoFaceError: there is none, or not the one that was asked for.
        """
        found = self.detector.detect(photo.rgb)
        if not found:
            raise NoFaceError("no face was found")
        return [self.align(photo, face) for face in choose(found, which)]

    def side(self, face: Face) -> int:
        """The model's size in which a face is worked on."""
        sizes = self.model.info.sizes
        wanted = self.size or square_side(face)
        return next((size for size in sizes if size >= wanted), sizes[-1])

    def align(self, photo: Photo, face: Face, side: int | None = None) -> Crop:
        """The face as an upright square of the size that suits it, or of ``side`` px."""
        return crop_face(photo.rgb, face, side or self.side(face))

    def encode(
        self, crops: Sequence[Crop], fidelity: Fidelity = Fidelity.TRANSFER
    ) -> list[EncodedFace]:
        """Encode aligned faces, of any number of photos; those of one size in one batch.

        The upper rungs of ``fidelity`` then fit the codes to each face.

        Raises:
            UsageError: they were asked for, and the model's family cannot.
        """
        sizes = [len(crop.pixels) for crop in crops]
        return in_groups(lambda chosen: self._encoded(chosen, fidelity), crops, sizes)

    def _encoded(self, crops: Sequence[Crop], fidelity: Fidelity) -> list[EncodedFace]:
        """Encode crops of one size."""
        images = Toned.of(to_tensor([crop.pixels for crop in crops])).coloured
        batch = self.model.encode(images)
        codes = [batch[i] for i in range(len(crops))]
        if (effort := fidelity.effort) is not None:
            # Fits look at faces at full size.
            side = self.model.info.resolution
            images = F.interpolate(images, (side, side), mode="bicubic").clamp(-1, 1)
            pixels = [crop.pixels for crop in crops]
            codes = fitted(self.model, images, pixels, batch, effort, self.fits, self.watch)
        return [EncodedFace(c, code, self.model) for c, code in zip(crops, codes, strict=True)]


def open_editor(
    device: str = "cpu",
    *,
    model: str = "bundled",
    aligner: str = "auto",
    noise: int | None = None,
    size: float | None = math.inf,
) -> Editor:
    """An editor on a torch device: the one way in which everybody comes by one.

    ``noise`` is as in :func:`facemod.models.registry.load_model`, ``size`` as in :class:`Editor`.

    Raises:
        UsageError: there is no such model or aligner.
        ModelError, MissingExtraError: it cannot be loaded.
    """
    from facemod.faces.detect import make_detector
    from facemod.models.registry import load_model
    from facemod.tensors.memory import keep_freed_memory

    keep_freed_memory()
    detector, _ = make_detector(aligner, device)
    return Editor(load_model(model, device, noise), detector, size)


def in_groups(
    work: Callable[[list[T]], list[R]], items: Sequence[T], keys: Sequence[Hashable]
) -> list[R]:
    """What ``work`` makes of the items, called once for those whose keys are the same."""
    places: dict[Hashable, list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    results: dict[int, R] = {}
    for chosen in places.values():
        results.update(zip(chosen, work([items[i] for i in chosen]), strict=True))
    return [results[i] for i in range(len(items))]
