"""The corridor: the one way that every photo goes, from its pixels to its edited pixels.

    photo ─ Editor.cut_out ─ Editor.encode ─ redraw ─ put_back ─ photo
            find, align      codes, fits     edit,     composite
                                             decode,
                                             carry over

Commands, batches, films, painting, the benchmark and the Python API differ in the edit, and in
what they read and write around this page; nobody goes another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.editing.editor import EncodedFace, in_groups
from facemod.errors import UnlikeError
from facemod.faces.composite import add_change, replace
from facemod.faces.face import Crop
from facemod.faces.matte import matte
from facemod.fidelity.ladder import Fidelity
from facemod.fidelity.outlines import Outlines
from facemod.fidelity.regions import Regions
from facemod.fidelity.tones import Toned
from facemod.fidelity.transfer import transferred
from facemod.imaging.photo import Photo
from facemod.latent.codes import Codes, concatenate
from facemod.latent.edits import Edit
from facemod.models.base import Drawn, draw
from facemod.models.wavelet.likeness import likeness
from facemod.models.windows import FEATURES_SIDE, Window, window_around
from facemod.tensors.blur import reduced
from facemod.tensors.pixels import Pixels, psnr, to_pixels, to_tensor

# Slots that act on so many px or fewer decide where outlines are.
OUTLINES_UP_TO = 16
# How far around a place pictures are looked at for what happens in it, in 64ths of the side.
AROUND = 2


class Places(Protocol):
    """Where on faces something may show."""

    def of(self, crops: Sequence[Crop]) -> list[Tensor]:
        """For each aligned face [1, 1, S, S] in 0..1."""
        ...


@dataclass(frozen=True)
class EditedFace:
    """One face before and after."""

    crop: Crop
    pixels: Pixels
    """The edited aligned face [R, R, 3], or the sheet [H, W, 3] that a preview draws of it."""
    scores: dict[str, float]
    notes: tuple[str, ...] = ()
    """What people should know about this face."""
    own: Tensor | None = None
    """[K, K] in 0..1: where people are recoloured and not moved; that may go on beyond the crop."""
    gone: Tensor | None = None
    """[K, K] in 0..1: where a photo's finer detail than the crop's belongs to what is gone."""


def redraw(
    faces: Sequence[EncodedFace],
    edits: Sequence[Edit],
    fidelity: Fidelity = Fidelity.TRANSFER,
    asked: Places | None = None,
) -> list[EditedFace]:
    """Give each face its own edit of the codes; those of one size and window are decoded together.

    ``asked`` says where on the faces the edits may show; otherwise it goes by each edit's region.
    A zero edit gives the crop's own pixels, and so does any edit outside of these places.
    """
    ways = redrawings(faces, edits, fidelity, asked)
    keys = [(len(one.face.crop.pixels), one.window) for one in ways]
    return in_groups(lambda chosen: carried_over(chosen, *drawn(chosen), fidelity), ways, keys)


def redrawings(
    faces: Sequence[EncodedFace],
    edits: Sequence[Edit],
    fidelity: Fidelity,
    asked: Places | None,
) -> list[Redrawing]:
    """The faces before they are drawn; as :func:`redraw`."""
    goes_on = asked is None or (isinstance(asked, Regions) and asked.mask is None)
    return [
        Redrawing(face, edit(face.codes), edit.scenic, tuple(edit.notes(face.codes)), place,
                  window_of(place), goes_on)
        for face, edit in zip(faces, edits, strict=True)
        for place in [places_of(face, edit, fidelity, asked)]
    ]  # fmt: skip


def places_of(
    face: EncodedFace, edit: Edit, fidelity: Fidelity, asked: Places | None
) -> Tensor | None:
    """Where on a face [1, 1, R, R] an edit may show: 1 where it may, 0 where not; None: all over.

    A decoded face without the photo's own pixels around has no place where an edit could end.
    """
    if asked is None and edit.region and fidelity.transfers:
        asked = Regions(boxes=edit.region)
    return None if asked is None else asked.of([face.crop])[0]


def window_of(place: Tensor | None) -> Window | None:
    """Where an edit that shows in a ``place`` [1, 1, R, R] needs pictures; None: all over."""
    if place is None:
        return None
    shown = F.adaptive_max_pool2d(place, FEATURES_SIDE)
    if not shown.any():
        shown[..., 0, 0] = 1
    return window_around(F.max_pool2d(shown, 2 * AROUND + 1, 1, AROUND)[0, 0])


class Redrawing(NamedTuple):
    """A face on its way through the decoder."""

    face: EncodedFace
    edited: Codes
    scenic: bool
    """Whether the edit is about the background as well."""
    notes: tuple[str, ...]
    place: Tensor | None
    """As :func:`places_of` gives it."""
    window: Window | None
    """As :func:`window_of` gives it."""
    goes_on: bool
    """Whether the edit may go on outside of the square."""


def carried_over(
    faces: Sequence[Redrawing],
    before: Drawn,
    after: Drawn,
    fidelity: Fidelity,
    *,
    scored: bool = True,
) -> list[EditedFace]:
    """Faces of one size and window after their edits, from their pictures before and after.

    Without ``scored`` nobody wants to know how well it went.
    """
    toned = Toned.of(to_tensor([one.face.crop.pixels for one in faces]).to(before.image.device))
    original, photos = toned.coloured, toned.photos
    everywhere = torch.ones(1, 1, *original.shape[-2:])
    place = torch.cat([everywhere if one.place is None else one.place for one in faces])
    place = place.to(original)
    own: list[Tensor | None] = [None] * len(faces)
    gone: list[Tensor | None] = [None] * len(faces)
    if fidelity.transfers:
        at = _outlines(faces, original, before, after)
        colours = zip(faces, at.recoloured, strict=True)
        own = [place if one.goes_on else None for one, place in colours]
        at = at._replace(seen=reduced(place, at.photo.shape[-1]))
        change, outdated = transferred(original, before.image, after.image, at)
        gone = list((outdated * at.seen)[:, 0].cpu())
        shown = photos + toned.keeping(change)
    else:
        shown = toned.toning(after.image)
    if any(one.place is not None for one in faces):
        shown = photos + place * (shown - photos)
    shown = shown.clamp(-1, 1)
    scores: list[dict[str, float]] = [{}] * len(own)
    if scored:
        scores = _scores(faces[0].window, toned, before.image, shown)
    return [
        EditedFace(one.face.crop, pixels, score, one.notes, goes_on_at, gone_at)
        for one, pixels, score, goes_on_at, gone_at in zip(
            faces, to_pixels(shown), scores, own, gone, strict=True
        )
    ]


def _scores(
    window: Window | None, photos: Toned, before: Tensor, shown: Tensor
) -> list[dict[str, float]]:
    """How close the model comes to each face, and how much the result looks like it."""
    seen = [x if window is None else window.core.of(x) for x in (photos.coloured, before)]
    closeness = (psnr(x, picture) for x, picture in zip(*seen, strict=True))
    return [
        {"psnr": close, "likeness": alike}
        for close, alike in zip(closeness, likeness(photos.photos, shown), strict=True)
    ]


def _outlines(
    faces: Sequence[Redrawing], original: Tensor, before: Drawn, after: Drawn
) -> Outlines:
    """The outlines of people; edits of the whole scene find none.

    The matte of a photo that several edits share is made once.
    """
    scenic = torch.tensor([one.scenic for one in faces], device=original.device)
    before, after = (
        picture._replace(person=picture.person.masked_fill(scenic[:, None, None, None], 1.0))
        for picture in (before, after)
    )
    seen = {(one.face, one.scenic): i for i, one in enumerate(faces)}
    mattes = {key: matte(original[i, None], before.person[i, None]) for key, i in seen.items()}
    after = _same_outline(faces, before, after)
    photo = torch.cat([mattes[one.face, one.scenic] for one in faces])
    return Outlines.of(photo, before, after)


def drawn(ways: Sequence[Redrawing]) -> tuple[Drawn, Drawn]:
    """What the decoder makes of faces of one size and window and of their edited codes, the same
    if unedited.

    A face that is there several times, for several edits, is decoded once, and not at all if what
    comes out is known. Outside of the core of a ``window`` pictures are rough.
    """
    faces, edited = [one.face for one in ways], [one.edited for one in ways]
    moved = [
        i for i, face in enumerate(faces) if not torch.equal(edited[i].styles, face.codes.styles)
    ]
    unknown = [face for face in dict.fromkeys(faces) if face.before is None]
    codes = [*(face.codes for face in unknown), *(edited[i] for i in moved)]
    pictures: list[Drawn] = []
    if codes:
        together = draw(
            faces[0].model, concatenate(codes), len(faces[0].crop.pixels), ways[0].window
        )
        pictures = [Drawn(*parts) for parts in zip(*(x.split(1) for x in together), strict=True)]
    known = dict(zip(unknown, pictures, strict=False))
    befores = [known[face] if face.before is None else face.before for face in faces]
    afters = list(befores)
    for i, picture in zip(moved, pictures[len(unknown) :], strict=True):
        afters[i] = picture
    return _together(befores), _together(afters)


def _same_outline(faces: Sequence[Redrawing], before: Drawn, after: Drawn) -> Drawn:
    """``after`` with the outlines of before, where an edit leaves alone what draws outlines.

    New colours of hair do not move it, though a picture of it may be read in another way.
    """
    person = after.person.clone()
    for i, one in enumerate(faces):
        coarse = [slot for slot, px in enumerate(one.edited.resolutions) if px <= OUTLINES_UP_TO]
        old, new = one.face.codes.styles[:, coarse], one.edited.styles[:, coarse]
        if torch.equal(old, new.to(old)):
            person[i] = before.person[i]
    return after._replace(person=person)


def _together(pictures: Sequence[Drawn]) -> Drawn:
    return Drawn(*(torch.cat(parts) for parts in zip(*pictures, strict=True)))


def put_back(photo: Photo, faces: Iterable[EditedFace], *, transfers: bool = True) -> Photo:
    """The photo with edited faces in it; outside of them it keeps its pixels bit for bit.

    ``transfers``: only what changed is added to the photo; else whole squares are replaced.
    """
    rgb = photo.rgb.copy()
    for face in faces:
        composite(rgb, face, transfers=transfers)
    return photo.replaced(rgb)


def composite(rgb: Pixels, face: EditedFace, *, transfers: bool) -> None:
    """Put one edited face back into the pixels [H, W, 3] that it was cut from, in place."""
    if transfers:
        change = face.pixels.astype(np.float32) - face.crop.pixels
        add_change(rgb, face.crop, change, face.own, face.gone)
    else:
        replace(rgb, face.crop, face.pixels, np.ones(face.pixels.shape[:2], np.float32))


def reconstruct(face: EncodedFace) -> EditedFace:
    """The model's own picture of a face, and how close it comes to the photo."""
    toned = Toned.of(to_tensor([face.crop.pixels]))
    shown = toned.toning(face.reconstruction).clamp(-1, 1)
    (alike,) = likeness(toned.photos, shown)
    scores = {"psnr": psnr(toned.photos, shown), "likeness": alike}
    return EditedFace(face.crop, to_pixels(shown)[0], scores)


def check_likeness(faces: Iterable[EditedFace], least: float | None) -> None:
    """Raise UnlikeError if a result looks less like the photo's person than it has to."""
    for face in faces:
        if least is not None and face.scores["likeness"] < least:
            raise UnlikeError(
                f"face {face.crop.face.index} came out with a likeness of "
                f"{face.scores['likeness']:.2f}, below --min-likeness {least:g}; a weaker edit or "
                "--fidelity adapt keeps more of the person"
            )
