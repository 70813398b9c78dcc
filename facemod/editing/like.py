"""Strengths that name another photo: ``--smile like:other.jpg``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from facemod.editing.editor import Editor
from facemod.errors import InputError, NoFaceError
from facemod.fidelity.ladder import Fidelity
from facemod.imaging.photo import Photo
from facemod.latent.strengths import LIKE, Strength, like_others


def like_photos(
    strengths: Mapping[str, Strength], editor: Editor, read: Callable[[str], Photo]
) -> dict[str, Strength]:
    """The strengths, with the level of the largest face of each photo that was named.

    Raises:
        UsageError: a preset measures no level.
        InputError: such a photo cannot be read, or shows no face.
    """
    codes = {}
    for name in sorted({strength.like for strength in strengths.values() if strength.like}):
        try:
            crops = editor.cut_out(read(name), "largest")
        except NoFaceError as problem:
            raise InputError(f"{LIKE}{name}: {problem}") from problem
        codes[name] = editor.encode(crops, Fidelity.ENCODE)[0].codes
    return like_others(strengths, codes, editor.model.info.space)
