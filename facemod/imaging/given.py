"""Photos as programs hold them: a path, a Pillow image or an array."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.errors import InputError
from facemod.imaging.limits import MAX_MEGAPIXELS
from facemod.imaging.photo import Photo, Source
from facemod.imaging.reading import open_photo

PhotoLike: TypeAlias = "str | Path | Image.Image | NDArray[np.uint8] | Photo"
"""What stands for a photo; arrays are uint8 [H, W, 3] in sRGB."""

IN_MEMORY = Path("photo.png")  # what an image without a file is called
PLAIN_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


def photo_of(given: PhotoLike, *, max_megapixels: float = MAX_MEGAPIXELS) -> Photo:
    """A photo, whatever it was given as. Pillow images keep their profile and EXIF block.

    Raises:
        InputError: it cannot be read, or is no picture.
    """
    if isinstance(given, Photo):
        return given
    if isinstance(given, (str, Path)):
        return open_photo(given, max_megapixels=max_megapixels)
    if isinstance(given, Image.Image):
        data = _as_png(given)
        return open_photo(IN_MEMORY, max_megapixels=max_megapixels, data=data)
    if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3:
        raise InputError(
            f"an array of {given.dtype} {list(given.shape)}: expected uint8 [height, width, 3]"
        )
    return Photo(np.ascontiguousarray(given), None, Source(IN_MEMORY, "PNG", "RGB", lossless=True))


def _as_png(image: Image.Image) -> bytes:
    plain = image if image.mode in PLAIN_MODES else image.convert("RGB")
    stream = BytesIO()
    icc = image.info.get("icc_profile") if plain is image else None
    plain.save(stream, "PNG", icc_profile=icc, exif=image.getexif(), compress_level=0)
    return stream.getvalue()
