"""The functions: ``edit``, ``mix``, ``reconstruct`` and ``morph``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facemod.api.results import Film, Picture
from facemod.api.words import Machine, sort_out
from facemod.editing.corridor import EditedFace
from facemod.editing.corridor import reconstruct as reconstruct_face
from facemod.editing.editor import Editor
from facemod.editing.like import like_photos
from facemod.editing.looks import settle_fidelity
from facemod.editing.results import ResultKind, mark_for, picture
from facemod.editing.treatments import Reconstruction, Retouch, Treatment
from facemod.editing.words import check_faces, check_fidelity
from facemod.errors import UsageError
from facemod.fidelity.ladder import Fidelity
from facemod.imaging.given import PhotoLike
from facemod.imaging.photo import Photo
from facemod.imaging.sheet import tile
from facemod.jobs.outcome import FaceOutcome
from facemod.latent.codes import Codes, Scale, check_scales
from facemod.latent.edits import mix_parts
from facemod.latent.interpolate import walk
from facemod.latent.strengths import (
    Strength,
    check_ranges,
    parse_strength,
    preset_edit,
    recipe_of,
)

Pixels = NDArray[np.uint8]


def edit(
    photo: PhotoLike,
    presets: Mapping[str, float | str] | None = None,
    *,
    force: bool = False,
    **words: Any,
) -> Picture:
    """Edit faces by name: ``edit("me.jpg", smile=1.5, hair_blond=1)``.

    Args:
        photo: a path, a Pillow image or an array.
        presets: strengths by the names of presets, for programs that choose them.
        force: let strengths go beyond their natural range.
        words: strengths of presets (``_`` stands for ``-``), each a number, ``"to:+1"`` or
            ``"like:other.jpg"``; besides these what :mod:`facemod.api.words` lists.

    Raises:
        UsageError: there is no such preset, or a word that makes no sense.
        NoFaceError: the photo shows no face, or not the one that was asked for.
        InputError, ModelError: the photo or the model cannot be read.
    """
    look, machine, rest = sort_out(words)
    named = {**(presets or {}), **{name.replace("_", "-"): value for name, value in rest.items()}}
    if not named:
        raise UsageError("nothing to edit: give at least one preset, for example smile=1")
    strengths = {name: _strength(name, value) for name, value in named.items()}
    warnings = check_ranges(strengths, force=force)
    editor = machine.editor(look.side)
    strengths = like_photos(strengths, editor, machine.photo)
    move = preset_edit(strengths, editor.model.info.space, limited=not force)
    rung, _ = settle_fidelity(look.fidelity, editor.model, 1)
    retouch = look.retouch(move, rung, recipe_of(strengths), mark=machine.mark)
    return _retouched(editor, machine.photo(photo), retouch, look.faces, warnings)


def mix(
    photo: PhotoLike,
    *,
    coarse: PhotoLike | None = None,
    mid: PhotoLike | None = None,
    fine: PhotoLike | None = None,
    slots: Mapping[str, PhotoLike] | None = None,
    **words: Any,
) -> Picture:
    """Give a photo's face some scales of others: ``mix("a.jpg", coarse="b.jpg")``.

    Args:
        photo: a path, a Pillow image or an array.
        coarse: the photo that gives pose, face shape and hairstyle.
        mid: the photo that gives features and expression.
        fine: the photo that gives colours and texture.
        slots: photos that give exact slots, such as ``{"3-8": "b.jpg"}``.
        words: what :mod:`facemod.api.words` lists.

    Raises:
        UsageError, NoFaceError, InputError, ModelError: as :func:`edit`.
    """
    look, machine, rest = sort_out({"faces": "largest", **words})
    _refuse("mix", rest)
    asked = {"coarse": coarse, "mid": mid, "fine": fine}
    by_scale = {scale: given for scale, given in asked.items() if given is not None}
    givers = _Givers([*by_scale.values(), *(slots or {}).values()])
    if not givers.photos:
        raise UsageError("nothing to mix: give coarse, mid, fine or slots")
    editor = machine.editor(look.side)
    info = editor.model.info
    check_scales(by_scale, info.slot_resolutions, info.family)
    rung, _ = settle_fidelity(look.fidelity, editor.model, 1 + len(givers.photos))
    codes = [_encoded(editor, machine.photo(given), rung) for given in givers.photos]
    scales = {Scale(scale): codes[givers.index(given)] for scale, given in by_scale.items()}
    exact = [(f"{text}=photo", codes[givers.index(given)]) for text, given in (slots or {}).items()]
    parts = [*by_scale.items(), *((_span(text), given) for text, given in (slots or {}).items())]
    recipe = "mix " + " ".join(f"{part}=photo{givers.index(given) + 2}" for part, given in parts)
    retouch = look.retouch(mix_parts(scales, exact), rung, recipe, mark=machine.mark)
    return _retouched(editor, machine.photo(photo), retouch, look.faces)


def reconstruct(
    photo: PhotoLike,
    *,
    faces: str = "largest",
    fidelity: str = "encode",
    min_likeness: float | None = None,
    **machine_words: Any,
) -> Picture:
    """What the model makes of a photo's faces: aligned squares, side by side.

    ``machine_words`` are the fields of :class:`facemod.api.words.Machine`. The scores say how
    close it comes.

    Raises:
        UsageError, NoFaceError, InputError, ModelError: as :func:`edit`.
    """
    check_faces(faces)
    check_fidelity(fidelity)
    machine = Machine(**machine_words)
    editor = machine.editor(float("inf"))
    rung, _ = settle_fidelity(fidelity, editor.model, 1)
    mark = mark_for("synthetic", "reconstruct") if machine.mark else None
    treatment = Reconstruction(mark, rung, min_likeness)
    source = machine.photo(photo)
    found = treatment.faces(editor, editor.cut_out(source, faces))
    pixels = tile([face.pixels for face in found], columns=len(found))
    return _picture(pixels, source, found, treatment)


def morph(
    photos: Sequence[PhotoLike],
    *,
    seconds: float = 4.0,
    fps: float = 30.0,
    size: int = 512,
    ease: str = "smooth",
    loop: bool = False,
    faces: str = "largest",
    fidelity: str = "transfer",
    **machine_words: Any,
) -> Film:
    """A walk from face to face: ``morph(["a.jpg", "b.jpg"]).save("morph.mp4")``.

    Args:
        photos: at least two, one face of each.
        seconds: length of the whole film.
        fps: frames a second.
        size: 512 or 1024 px.
        ease: speed within a leg: ``linear``, ``smooth`` or ``slow``.
        loop: come back to the first face.
        faces: which face of each photo: ``largest`` or a number.
        fidelity: as for :func:`edit`.
        machine_words: the fields of :class:`facemod.api.words.Machine`.

    Raises:
        UsageError, NoFaceError, InputError, ModelError: as :func:`edit`.
    """
    if size not in (512, 1024):
        raise UsageError(f"size {size}: films are 512 or 1024 px")
    check_faces(faces, one=True)
    check_fidelity(fidelity)
    machine = Machine(**machine_words)
    steps = list(walk(len(photos), round(seconds * fps), ease=ease, loop=loop))
    editor = machine.editor(size)
    rung, _ = settle_fidelity(fidelity, editor.model, len(photos))
    crops = [editor.cut_out(machine.photo(photo), faces)[0] for photo in photos]
    encoded = [editor.encode([crop], rung)[0] for crop in crops]
    met = [reconstruct_face(face) for face in encoded]
    mark = mark_for("synthetic", f"morph of {len(photos)} photos") if machine.mark else None
    return Film(fps, _outcomes(met), encoded, steps, size, rung, mark)


class _Givers:
    """The photos that give something to a mix, each once, in the order in which they were named."""

    def __init__(self, given: Sequence[PhotoLike]) -> None:
        self.photos: list[PhotoLike] = []
        self._keys: list[object] = []
        for photo in given:
            if _key(photo) not in self._keys:
                self._keys.append(_key(photo))
                self.photos.append(photo)

    def index(self, photo: PhotoLike) -> int:
        """Which of the photos it is."""
        return self._keys.index(_key(photo))


def _key(photo: PhotoLike) -> object:
    return str(photo) if isinstance(photo, (str, Path)) else id(photo)


def _span(slots: str) -> str:
    """``5`` as ``5-5``, as the mark writes slots."""
    return slots if "-" in slots else f"{slots}-{slots}"


def _refuse(function: str, words: Mapping[str, Any]) -> None:
    if words:
        raise TypeError(f"{function}() got an unexpected keyword argument {next(iter(words))!r}")


def _strength(name: str, value: float | str) -> Strength:
    try:
        return parse_strength(str(value))
    except ValueError as problem:
        raise UsageError(f"{name}={value!r}: {problem}") from None


def _encoded(editor: Editor, photo: Photo, rung: Fidelity) -> Codes:
    """The codes of a photo's largest face."""
    [face] = editor.encode(editor.cut_out(photo, "largest"), rung)
    return face.codes


def _retouched(
    editor: Editor, photo: Photo, retouch: Retouch, which: str, notes: Sequence[str] = ()
) -> Picture:
    """A photo's way through the corridor."""
    faces = retouch.faces(editor, editor.cut_out(photo, which))
    edited = retouch.photo(photo, faces)
    kind = retouch.kind
    pixels = edited.rgb if kind is ResultKind.PHOTO else picture(kind, photo, edited, faces)
    return _picture(pixels, photo, faces, retouch, notes)


def _picture(
    pixels: Pixels,
    photo: Photo,
    faces: Sequence[EditedFace],
    treatment: Treatment,
    notes: Sequence[str] = (),
) -> Picture:
    of_faces = (f"face {face.crop.face.index}: {note}" for face in faces for note in face.notes)
    notes = (*notes, *photo.source.notes, *of_faces)
    return Picture(pixels, _outcomes(faces), notes, photo, tuple(faces), treatment)


def _outcomes(faces: Sequence[EditedFace]) -> tuple[FaceOutcome, ...]:
    return tuple(FaceOutcome.of(face.crop.face, face.scores) for face in faces)
