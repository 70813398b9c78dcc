"""The corridor: find faces, align, encode, edit, decode, keep fidelity, composite.

Nothing here knows of files or of the command line.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.errors import NoFaceError, UnlikeError
from facemod.faces.align import crop_face, square_side
from facemod.faces.composite import add_change, replace
from facemod.faces.detect import Detector, choose
from facemod.faces.face import Crop, Face
from facemod.fidelity.fitting import fitted
from facemod.fidelity.store import FitStore, fit_store
from facemod.fidelity.transfer import transfer
from facemod.imaging.photo import Photo
from facemod.latent.codes import Codes, concatenate
from facemod.models.base import Effort, FaceModel
from facemod.models.wavelet.likeness import likeness
from facemod.tensors.pixels import Pixels, psnr, to_pixels, to_tensor

EditFunction = Callable[[Codes], Codes]
T, R = TypeVar("T"), TypeVar("R")


class Fidelity(str, Enum):
    """How the decoded edit meets the photo: a ladder, from what is quick to what is close."""

    ENCODE = "encode"
    """The face is what the model decodes."""
    TRANSFER = "transfer"
    """The change is carried over to the photo's own pixels. The rungs above do that as well."""
    REFINE = "refine"
    """The codes are refined by a few gradient steps first."""
    ADAPT = "adapt"
    """The decoder is adapted to this very photo first."""

    @property
    def transfers(self) -> bool:
        """Whether the photo's own pixels stay."""
        return self is not Fidelity.ENCODE

    @property
    def effort(self) -> Effort | None:
        """How the codes are fitted to the photo."""
        return {Fidelity.REFINE: Effort.REFINE, Fidelity.ADAPT: Effort.ADAPT}.get(self)


@dataclass(frozen=True, eq=False)
class EncodedFace:
    """One aligned face with its codes."""

    crop: Crop
    codes: Codes
    model: FaceModel = field(repr=False)

    @cached_property
    def reconstruction(self) -> Tensor:
        """What the decoder makes of the codes, on the CPU: [1, 3, R, R] in [-1, 1]."""
        return self.model.decode(self.codes, len(self.crop.pixels)).cpu()


@dataclass(frozen=True)
class EditedFace:
    """One face before and after."""

    crop: Crop
    pixels: Pixels
    """The edited aligned face [R, R, 3]."""
    scores: dict[str, float]
    notes: tuple[str, ...] = ()
    """What people should know about this face."""


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

    def faces(self, photo: Photo, which: str = "all") -> list[Face]:
        """The chosen faces of a photo, left to right.

        Raises:
            NoFaceError: there is none, or not the one that was asked for.
        """
        found = self.detector.detect(photo.rgb)
        if not found:
            raise NoFaceError("no face was found")
        return choose(found, which)

    def align(self, photo: Photo, face: Face) -> Crop:
        """The face as an upright square of one of the model's sizes."""
        sizes = self.model.info.sizes
        wanted = self.size or square_side(face)
        size = next((size for size in sizes if size >= wanted), sizes[-1])
        return crop_face(photo.rgb, face, size)

    def encode(
        self, photo: Photo, face: Face, fidelity: Fidelity = Fidelity.TRANSFER
    ) -> EncodedFace:
        """Align and encode one face."""
        return self.encode_crops([self.align(photo, face)], fidelity)[0]

    def encode_crops(
        self, crops: Sequence[Crop], fidelity: Fidelity = Fidelity.TRANSFER
    ) -> list[EncodedFace]:
        """Encode aligned faces, of any number of photos; those of one size in one batch.

        The upper rungs of ``fidelity`` then fit the codes to each face.

        Raises:
            UsageError: they were asked for, and the model's family cannot.
        """
        return by_size(lambda chosen: self._encoded(chosen, fidelity), crops, crops)

    def _encoded(self, crops: Sequence[Crop], fidelity: Fidelity) -> list[EncodedFace]:
        """Encode crops of one size."""
        images = to_tensor([crop.pixels for crop in crops])
        batch = self.model.encode(images)
        codes = [batch[i] for i in range(len(crops))]
        if (effort := fidelity.effort) is not None:
            # Fits look at faces at full size.
            side = self.model.info.resolution
            images = F.interpolate(images, (side, side), mode="bicubic").clamp(-1, 1)
            codes = [
                fitted(self.model, image[None], crop.pixels, code, effort, self.fits)
                for image, crop, code in zip(images, crops, codes, strict=True)
            ]
        return [EncodedFace(c, code, self.model) for c, code in zip(crops, codes, strict=True)]

    def edit_faces(
        self,
        faces: Sequence[EncodedFace],
        edits: Sequence[EditFunction],
        fidelity: Fidelity = Fidelity.TRANSFER,
        regions: Sequence[Tensor] | None = None,
    ) -> list[EditedFace]:
        """Give each face its own edit of the codes; faces of one size are decoded in one batch.

        A zero edit gives the crop's own pixels, and so does any edit outside of the face's
        region [1, 1, R, R], which is 1 where the edit may show and 0 where it must not.
        """
        edited = [edit(face.codes) for face, edit in zip(faces, edits, strict=True)]
        return by_size(
            lambda chosen: self._finished(*zip(*chosen, strict=True), fidelity),
            list(zip(faces, edited, regions or [None] * len(faces), strict=True)),
            [face.crop for face in faces],
        )

    def _finished(
        self,
        faces: Sequence[EncodedFace],
        edited: Sequence[Codes],
        regions: Sequence[Tensor | None],
        fidelity: Fidelity,
    ) -> list[EditedFace]:
        """Faces of one size after the edit that leads to ``edited``; all have regions or none."""
        before, after = self._decoded(faces, edited)
        original = to_tensor([face.crop.pixels for face in faces]).to(before.device)
        scores = [{"psnr": psnr(x, r)} for x, r in zip(original, before, strict=True)]
        if fidelity.transfers:
            after = original + transfer(original, before, after)
        if regions[0] is not None:
            after = original + torch.cat(list(regions)).to(after) * (after - original)
        after = after.clamp(-1, 1)
        for score, alike in zip(scores, likeness(original, after), strict=True):
            score["likeness"] = alike
        return [
            EditedFace(face.crop, pixels, score)
            for face, pixels, score in zip(faces, to_pixels(after), scores, strict=True)
        ]

    def _decoded(
        self, faces: Sequence[EncodedFace], edited: Sequence[Codes]
    ) -> tuple[Tensor, Tensor]:
        """Images [N, 3, R, R] of the faces and of their edited codes, the same if unedited."""
        moved = [
            i
            for i, face in enumerate(faces)
            if not torch.equal(edited[i].styles, face.codes.styles)
        ]
        codes = [*(face.codes for face in faces), *(edited[i] for i in moved)]
        images = self.model.decode(concatenate(codes), len(faces[0].crop.pixels))
        before = images[: len(faces)]
        if len(moved) == len(faces):
            return before, images[len(faces) :]
        after = before.clone()
        after[moved] = images[len(faces) :]
        return before, after

    def edit_photo(
        self,
        photo: Photo,
        edit: EditFunction,
        *,
        faces: str = "all",
        fidelity: Fidelity = Fidelity.TRANSFER,
    ) -> tuple[Photo, list[EditedFace]]:
        """Edit the chosen faces of a photo and put them back.

        Outside the edited regions the photo keeps its pixels bit for bit.

        Raises:
            NoFaceError: the photo has no face, or not the one that was asked for.
        """
        crops = [self.align(photo, face) for face in self.faces(photo, faces)]
        encoded = self.encode_crops(crops, fidelity)
        edited = self.edit_faces(encoded, [edit] * len(encoded), fidelity)
        return composited(photo, edited, fidelity), edited


def by_size(
    work: Callable[[list[T]], list[R]], items: Sequence[T], crops: Sequence[Crop]
) -> list[R]:
    """What ``work`` makes of the items, called once for those whose crops have the same size."""
    places: dict[int, list[int]] = {}
    for i, crop in enumerate(crops):
        places.setdefault(len(crop.pixels), []).append(i)
    results: dict[int, R] = {}
    for chosen in places.values():
        results.update(zip(chosen, work([items[i] for i in chosen]), strict=True))
    return [results[i] for i in range(len(items))]


def composited(photo: Photo, faces: Iterable[EditedFace], fidelity: Fidelity) -> Photo:
    """The photo with edited faces put back into it."""
    rgb = photo.rgb.copy()
    for face in faces:
        put_back(rgb, face, fidelity)
    return photo.replaced(rgb)


def reconstruction_scores(face: EncodedFace) -> dict[str, float]:
    """How close the model's own picture of a face comes to the photo."""
    original = to_tensor([face.crop.pixels])
    (alike,) = likeness(original, face.reconstruction)
    return {"psnr": psnr(original, face.reconstruction), "likeness": alike}


def check_likeness(faces: Iterable[EditedFace], least: float | None) -> None:
    """Raise UnlikeError if a result looks less like the photo's person than it has to."""
    for face in faces:
        if least is not None and face.scores["likeness"] < least:
            raise UnlikeError(
                f"face {face.crop.face.index} came out with a likeness of "
                f"{face.scores['likeness']:.2f}, below --min-likeness {least:g}; a weaker edit or "
                "--fidelity adapt keeps more of the person"
            )


def put_back(rgb: Pixels, face: EditedFace, fidelity: Fidelity) -> None:
    """Composite one edited face into the photo [H, W, 3], in place."""
    if fidelity.transfers:
        change = face.pixels.astype(np.float32) - face.crop.pixels
        add_change(rgb, face.crop, change)
    else:
        replace(rgb, face.crop, face.pixels, np.ones(face.pixels.shape[:2], np.float32))


def load_editor(
    device: str,
    *,
    model: str = "bundled",
    aligner: str = "auto",
    noise: int | None = None,
    size: float | None = math.inf,
) -> tuple[Editor, str]:
    """An editor on a torch device, and in words why faces are found the way they are.

    ``noise`` is as in :func:`facemod.models.registry.load_model`, ``size`` as in :class:`Editor`.

    Raises:
        UsageError: there is no such model or aligner.
        ModelError, MissingExtraError: it cannot be loaded.
    """
    from facemod.faces.detect import make_detector
    from facemod.models.registry import load_model

    detector, reason = make_detector(aligner, device)
    return Editor(load_model(model, device, noise), detector, size), reason
