"""Changing some pixels of a JPEG while its other blocks stay what they are, coefficient for
coefficient (T.81: a picture is cut into blocks of 8 x 8 samples, and each is stored as the rounded
coefficients of its cosine transform)."""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from facemod.errors import InputError
from facemod.imaging.opening import decode, opened_image
from facemod.imaging.segments import JpegParts, parts_of

if TYPE_CHECKING:
    import jpeglib

_SIDE = 8
_LIBRARY = "turbo210"
_PLANES = ("Y", "Cb", "Cr")
# From RGB to Y, Cb and Cr (JFIF 1.02).
_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_LOWEST, _HIGHEST = -1023, 1023
# jpeglib keeps what it reads in variables that all threads share.
_one_at_a_time = threading.Lock()

Pixels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class NotCarriedError(ValueError):
    """The blocks of a JPEG cannot be carried over; the message says why, in a few words."""


@dataclass(frozen=True)
class _Change:
    """How much to add to a part of a picture: float32 [h, w, 3] RGB, from ``top`` and ``left`` on.

    All four are multiples of the picture's largest unit, so that all planes' blocks fit.
    """

    values: NDArray[np.float32]
    top: int
    left: int


def changed_jpeg(stored: bytes, before: Pixels, after: Pixels) -> JpegParts:
    """The JPEG file ``stored`` with a change added to its blocks, and without its metadata.

    ``before`` is uint8 [H, W, 3], what the file decodes to, turned as it is stored; ``after`` is
    what it shall show instead. Blocks without a change keep their coefficients, and so do those
    where it is smaller than the steps of the file's quantisation. With subsampled colours, decoders
    smooth across blocks, so that one pixel around a changed block may change as well. That no
    other does is checked.

    Raises NotCarriedError when the file is of a kind that this cannot be done with.
    """
    try:
        picture = parts_of(stored).bare()
    except ValueError as problem:
        raise NotCarriedError(str(problem)) from problem
    changed = _differing(before, after)
    if not changed.any():
        return picture
    try:
        scans, reached = _rewritten(picture.file(), changed, before, after)
        result = dataclasses.replace(picture, picture=parts_of(scans).picture)
        decoded = _decoded(result)
    except (OSError, InputError) as problem:
        raise NotCarriedError("its blocks cannot be read and written") from problem
    if decoded.shape != before.shape or (_differing(decoded, before) & ~reached).any():
        raise NotCarriedError("its blocks do not decode to what they were")
    return result


def _differing(one: Pixels, other: Pixels) -> Mask:
    red, green, blue = np.moveaxis(one != other, 2, 0)
    return np.asarray(red | green | blue)


def _decoded(jpeg: JpegParts) -> Pixels:
    path = Path("result.jpg")  # for messages
    with opened_image(path, math.inf, jpeg.file()) as image:
        decode(image, path)
        return np.asarray(image.convert("RGB"))


def _rewritten(picture: bytes, changed: Mask, before: Pixels, after: Pixels) -> tuple[bytes, Mask]:
    """The file with changed blocks, and which pixels [H, W] they may reach."""
    with _one_at_a_time, TemporaryDirectory(prefix="facemod-") as folder:
        jpeg = _opened(picture, Path(folder) / "in.jpg")
        if (jpeg.height, jpeg.width) != changed.shape:
            raise NotCarriedError("its size is not what its pixels say")
        reached = _add(jpeg, changed, before, after)
        jpeg.write_dct(f"{folder}/out.jpg", flags=["+OPTIMIZE_CODING"])
        return Path(folder, "out.jpg").read_bytes(), reached


def _opened(picture: bytes, path: Path) -> jpeglib.DCTJPEG:
    try:
        import jpeglib
    except (ImportError, OSError, RuntimeError):
        raise NotCarriedError("the package jpeglib is missing") from None
    jpeglib.version.set(_LIBRARY)
    path.write_bytes(picture)
    try:
        jpeg = jpeglib.read_dct(str(path))
        jpeg.load()
    except Exception as problem:  # jpeglib stumbles over unusual files in many ways
        raise NotCarriedError("its blocks cannot be read") from problem
    if jpeg.jpeg_color_space.name not in {"JCS_YCbCr", "JCS_GRAYSCALE"}:
        raise NotCarriedError("it is stored in unusual colours")
    return jpeg


def _add(jpeg: jpeglib.DCTJPEG, changed: Mask, before: Pixels, after: Pixels) -> Mask:
    """Add a change to the coefficients; which pixels it reaches."""
    factors = np.array(jpeg.samp_factor)[: jpeg.num_components]
    largest = factors.max(0)
    if (largest % factors).any():
        raise NotCarriedError("its colours are subsampled in an unusual way")
    change = _change(changed, before, after, largest * _SIDE)
    reached: dict[tuple[int, int], Mask] = {}
    for name, weights, (down, across) in zip(_PLANES, _YCC, largest // factors, strict=False):
        table = jpeg.get_component_qt(_PLANES.index(name))
        step = (int(down), int(across))
        blocks = _add_to_plane(getattr(jpeg, name), change, weights, step, table)
        reached[step] = reached[step] | blocks if step in reached else blocks
    # An integer says: the tables of the file that was read.
    jpeg.qt = 0
    pixels = (_pixels_of(blocks, step, changed.shape) for step, blocks in reached.items())
    return functools.reduce(np.logical_or, pixels)


def _change(changed: Mask, before: Pixels, after: Pixels, unit: NDArray[np.int_]) -> _Change:
    (top, bottom), (left, right) = (
        _extent(np.asarray(changed.any(1 - axis)), int(side)) for axis, side in enumerate(unit)
    )
    part = np.s_[top:bottom, left:right]
    values = after[part].astype(np.float32) - before[part]
    missing = ((0, bottom - top - values.shape[0]), (0, right - left - values.shape[1]), (0, 0))
    return _Change(np.pad(values, missing, "edge"), top, left)


def _extent(changed: Mask, side: int) -> tuple[int, int]:
    """From where to where [N] there are changes, in whole units of ``side``."""
    where = np.flatnonzero(changed)
    return int(where[0]) // side * side, (int(where[-1]) // side + 1) * side


def _add_to_plane(
    coefficients: NDArray[np.int16],
    change: _Change,
    weights: NDArray[np.float32],
    step: tuple[int, int],
    table: NDArray[np.uint16],
) -> Mask:
    """Add a change to a plane's coefficients [H, W, 8, 8]; which blocks [H, W] it changed.

    ``step`` is how many pixels down and across one sample stands for.
    """
    down, across = step
    height, width = change.values.shape[:2]
    plane = (change.values @ weights).reshape(height // down, down, width // across, across)
    added = _transformed(plane.mean((1, 3))) / table
    top, left = change.top // (_SIDE * down), change.left // (_SIDE * across)
    target = coefficients[top : top + added.shape[0], left : left + added.shape[1]]
    levels = np.rint(added[: target.shape[0], : target.shape[1]]).astype(np.int32)
    moved = np.clip(target + levels, _LOWEST, _HIGHEST)
    blocks = levels.any((2, 3))
    target[blocks] = moved[blocks]
    result = np.zeros(coefficients.shape[:2], bool)
    result[top : top + blocks.shape[0], left : left + blocks.shape[1]] = blocks
    return result


def _transformed(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine transform of the blocks of a plane [8H, 8W], as [H, W, 8, 8]."""
    height, width = plane.shape
    blocks = plane.reshape(height // _SIDE, _SIDE, width // _SIDE, _SIDE).swapaxes(1, 2)
    places = np.arange(_SIDE, dtype=np.float32)
    waves = np.cos(np.pi / _SIDE * (places + 0.5) * places[:, None]) * np.sqrt(2 / _SIDE)
    waves[0] = np.sqrt(1 / _SIDE)
    waves = waves.astype(np.float32)
    return np.asarray(waves @ blocks @ waves.T)


def _pixels_of(blocks: Mask, step: tuple[int, int], shape: tuple[int, ...]) -> Mask:
    """The pixels [H, W] that a plane's blocks reach in any decoder."""
    down, across = step
    tall, wide = blocks.repeat(_SIDE * down, 0), _SIDE * across
    pixels = tall.repeat(wide, 1)[: shape[0], : shape[1]]
    if step == (1, 1):
        return pixels
    wider = pixels.copy()
    wider[1:] |= pixels[:-1]
    wider[:-1] |= pixels[1:]
    wider[:, 1:] |= wider[:, :-1].copy()
    wider[:, :-1] |= wider[:, 1:].copy()
    return wider
