"""A photo and a copy of it that somebody painted on: made comparable. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facemod.errors import InputError, UsageError
from facemod.imaging import colour
from facemod.imaging.photo import Photo

Pixels = NDArray[np.uint8]
# Two pictures whose middle pixel differs by more, of 255, are not the same picture.
SAME_PICTURE = 24
_BRUSH = re.compile(r"([^,]+),([^,]+),([^,]+),\s*#?([0-9a-fA-F]{6})\s*")


def painted_rgb(photo: Photo, copy: Photo) -> Pixels:
    """The copy's pixels [H, W, 3] in sRGB, laid over the photo's.

    Programs that drop the colour profile leave pixels that still are in the photo's colours; of
    both readings the one closer to the photo is taken. Alpha is ignored.

    Raises:
        InputError: the copy has another size, or is another picture.
    """
    name, size, wanted = copy.source.path, copy.pixels.shape[:2], photo.pixels.shape[:2]
    if size != wanted:
        turned = "; it seems to have been turned" if size == wanted[::-1] else ""
        raise InputError(
            f"{name}: the painted copy is {size[1]} x {size[0]} px and the photo "
            f"{wanted[1]} x {wanted[0]} px{turned}; save it at the photo's size, uncropped"
        )
    readings = [copy.rgb]
    if copy.source.icc != photo.source.icc:
        readings.append(colour.to_srgb(copy.pixels, photo.source.icc))
    distances = [distance(photo.rgb, reading) for reading in readings]
    best = int(np.argmin(distances))
    if distances[best] > SAME_PICTURE:
        raise InputError(
            f"{name}: differs from the photo nearly everywhere; it must be a copy of the photo "
            "with strokes painted on it, neither mirrored nor filtered"
        )
    return readings[best]


def distance(a: Pixels, b: Pixels) -> float:
    """The median absolute difference of two pictures, 0..255, on a grid of their pixels."""
    step = max(1, min(a.shape[:2]) // 512)
    difference = a[::step, ::step].astype(np.int16) - b[::step, ::step]
    return float(np.median(np.abs(difference).max(2)))


@dataclass(frozen=True)
class Brush:
    """A round dab of colour on a photo; the first pixel's centre is (0, 0)."""

    x: float
    y: float
    radius: float
    colour: tuple[int, int, int]


def parse_brush(text: str) -> Brush:
    """Read ``x,y,r,#rrggbb``; UsageError if it is something else."""
    found = _BRUSH.fullmatch(text)
    try:
        x, y, radius = (float(number) for number in found.groups()[:3]) if found else (0, 0, 0)
    except ValueError:
        radius = 0
    if found is None or not (radius > 0 and np.isfinite([x, y, radius]).all()):
        raise UsageError(
            f"--brush {text}: say x,y,r,#rrggbb, for example 512,640,12,#b01030: the place and "
            "the radius in pixels of the photo, and the colour"
        )
    red, green, blue = bytes.fromhex(found.group(4))
    return Brush(x, y, radius, (red, green, blue))


def brushed(rgb: Pixels, brushes: Iterable[Brush]) -> Pixels:
    """The picture [H, W, 3] with dabs painted on it, in order; their rims are smooth."""
    result = rgb.copy()
    for brush in brushes:
        reach = brush.radius + 1
        top, left = (max(0, int(np.floor(v - reach))) for v in (brush.y, brush.x))
        bottom, right = (max(0, int(np.ceil(v + reach)) + 1) for v in (brush.y, brush.x))
        part = result[top:bottom, left:right]
        rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        away = np.hypot(columns - brush.x, rows - brush.y)
        cover = np.clip(brush.radius + 0.5 - away, 0, 1)[..., None]
        part[:] = np.rint(part * (1 - cover) + np.array(brush.colour) * cover)
    return result
