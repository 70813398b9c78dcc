"""The corridor: find faces, align, encode, edit, decode, keep fidelity, composite.

Nothing here knows of files or of the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import NoFaceError
from facemod.faces.align import crop_face
from facemod.faces.composite import add_change, replace
from facemod.faces.detect import Detector, choose
from facemod.faces.face import Crop, Face
from facemod.fidelity.transfer import transfer
from facemod.imaging.photo import Photo
from facemod.latent.codes import Codes
from facemod.models.base import FaceModel

Pixels = NDArray[np.uint8]
EditFunction = Callable[[Codes], Codes]


class Fidelity(str, Enum):
    """How the decoded edit meets the photo."""

    TRANSFER = "transfer"
    ENCODE = "encode"


@dataclass(frozen=True)
class EncodedFace:
    """One aligned face with its codes and what the decoder makes of them."""

    crop: Crop
    codes: Codes
    reconstruction: Tensor
    """[1, 3, R, R] in [-1, 1]."""


@dataclass(frozen=True)
class EditedFace:
    """One face before and after."""

    crop: Crop
    pixels: Pixels
    """The edited aligned face [R, R, 3]."""
    scores: dict[str, float]


@dataclass(frozen=True)
class Editor:
    """A model and a detector: everything needed to edit photos in memory."""

    model: FaceModel
    detector: Detector

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
        """The face as an upright square of the model's size."""
        return crop_face(photo.rgb, face, self.model.info.resolution)

    def encode(self, photo: Photo, face: Face) -> EncodedFace:
        """Align and encode one face, and decode it again."""
        crop = self.align(photo, face)
        codes = self.model.encode(to_tensor([crop.pixels]))
        return EncodedFace(crop, codes, self.model.decode(codes).cpu())

    def edit_face(
        self, face: EncodedFace, edit: EditFunction, fidelity: Fidelity = Fidelity.TRANSFER
    ) -> EditedFace:
        """Apply ``edit`` to the codes of one face. A zero edit gives the crop's own pixels."""
        codes = edit(face.codes)
        unchanged = torch.equal(codes.styles, face.codes.styles)
        decoded = face.reconstruction if unchanged else self.model.decode(codes).cpu()
        original = to_tensor([face.crop.pixels])
        if fidelity is Fidelity.TRANSFER:
            decoded = original + transfer(original, face.reconstruction, decoded)
        return EditedFace(face.crop, to_pixels(decoded)[0], reconstruction_scores(face))

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
        found = self.faces(photo, faces)
        return self.edit_encoded(
            photo, ((self.encode(photo, face), edit) for face in found), fidelity
        )

    def edit_encoded(
        self,
        photo: Photo,
        edits: Iterable[tuple[EncodedFace, EditFunction]],
        fidelity: Fidelity = Fidelity.TRANSFER,
    ) -> tuple[Photo, list[EditedFace]]:
        """Give each encoded face of a photo its own edit and put the faces back."""
        edited = [self.edit_face(face, edit, fidelity) for face, edit in edits]
        rgb = photo.rgb.copy()
        for face in edited:
            put_back(rgb, face, fidelity)
        return photo.replaced(rgb), edited


def reconstruction_scores(face: EncodedFace) -> dict[str, float]:
    """How close the model's own picture of a face comes to the photo."""
    return {"psnr": psnr(to_tensor([face.crop.pixels]), face.reconstruction)}


def put_back(rgb: Pixels, face: EditedFace, fidelity: Fidelity) -> None:
    """Composite one edited face into the photo [H, W, 3], in place."""
    if fidelity is Fidelity.TRANSFER:
        change = face.pixels.astype(np.float32) - face.crop.pixels
        add_change(rgb, face.crop, change)
    else:
        replace(rgb, face.crop, face.pixels, np.ones(face.pixels.shape[:2], np.float32))


def to_tensor(images: Sequence[Pixels]) -> Tensor:
    """uint8 [S, S, 3] each -> float [N, 3, S, S] in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return stacked.float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> list[Pixels]:
    """float [N, 3, S, S] in [-1, 1] (clamped) -> uint8 [S, S, 3] each."""
    scaled = images.add(1).mul_(127.5).round_().clamp_(0, 255).byte()
    return list(scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of images in [-1, 1]."""
    return float(10 * torch.log10(4 / (a - b).square().mean().clamp_min(1e-10)))
