"""Reading photos: decoded, turned upright, 8 bits, and with what their file said about them."""

from __future__ import annotations

import dataclasses
import re
import struct
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from facemod.errors import InputError
from facemod.imaging import colour, exif
from facemod.imaging.opening import MAX_MEGAPIXELS, decode, embedded_xmp, opened_image
from facemod.imaging.photo import Photo, Source

_LOSSLESS = {"PNG", "TIFF", "GIF", "BMP"}
_IPTC_IN_PHOTOSHOP_BLOCK = 0x0404
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_photo(
    path: str | Path, *, max_megapixels: float = MAX_MEGAPIXELS, data: bytes | None = None
) -> Photo:
    """Read a photo: JPEG, PNG, WebP, TIFF, AVIF, GIF, BMP, and HEIC with ``facemod[heif]``.

    The photo comes out upright, 8 bits per channel, in the file's own RGB colours, its alpha
    apart; ``source.notes`` says what could not be kept. ``data`` holds the file's bytes if they
    were read already. Raises InputError when there is no
    such photo or it cannot be decoded completely, MissingExtraError for HEIC without the extra.
    """
    path = Path(path)
    with opened_image(path, max_megapixels, data) as image:
        # Decoding replaces the facts that tell how the file stored its pixels.
        notes, lossless = _coming_losses(image), _is_lossless(image)
        decode(image, path)
        return _photo_from(image, path, notes, lossless)


def _photo_from(image: ImageFile.ImageFile, path: Path, notes: list[str], lossless: bool) -> Photo:
    icc = image.info.get("icc_profile") or b""
    flat, icc = _in_usable_colours(_eight_bit(image, path), icc, notes)
    upright = _turned(flat, image)
    pixels = np.asarray(upright)
    source = _source(image, path, icc, upright.size, notes)
    return Photo(
        pixels=np.ascontiguousarray(pixels[..., :3]),
        alpha=np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None,
        source=dataclasses.replace(source, lossless=lossless),
    )


def _coming_losses(image: ImageFile.ImageFile) -> list[str]:
    notes = []
    frames = _count_frames(image)
    if frames > 1:
        notes.append(f"only the first of {frames} pictures in the file is used")
    bits = image.info.get("bit_depth", 8)
    if image.format in {"PNG", "TIFF"} and ";16" in str(image.tile):
        bits = 16
    if bits > 8:
        notes.append(f"{bits}-bit reduced to 8-bit")
    if _IPTC_IN_PHOTOSHOP_BLOCK in image.info.get("photoshop", {}):
        notes.append("the IPTC block (captions, keywords) is not kept")
    return notes


def _count_frames(image: ImageFile.ImageFile) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # frames after the first are damaged, and are not needed
        return 1


def _eight_bit(image: Image.Image, path: Path) -> Image.Image:
    """The picture as RGB, RGBA or CMYK."""
    if image.mode.startswith("I;16"):
        return _from_sixteen_bit(image)
    if image.mode in {"I", "F", "LAB", "HSV"}:
        raise InputError(
            f"{path}: pixels of kind {image.mode!r} (32-bit or Lab) are not supported; "
            "save it as 8-bit or 16-bit RGB first"
        )
    if image.mode == "CMYK":
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _from_sixteen_bit(image: Image.Image) -> Image.Image:
    tags = getattr(image, "tag_v2", {})
    bits = min(tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,)))
    values = np.asarray(image).astype(np.float32) * (255.0 / (2**bits - 1))
    return Image.fromarray(np.rint(values.clip(0, 255)).astype(np.uint8)).convert("RGB")


def _in_usable_colours(
    image: Image.Image, icc: bytes, notes: list[str]
) -> tuple[Image.Image, bytes]:
    """RGB or RGBA pixels, and the profile they are in (empty for sRGB)."""
    if image.mode == "CMYK":
        return _rgb_from_cmyk(image, icc, notes), b""
    try:
        conversion = colour.conversion_for(icc)
    except colour.ProfileError:
        return _without_profile(image, icc, notes), b""
    if conversion is not None and conversion.mode == "L" and _has_colour(image):
        notes.append("a grey colour profile on a colour photo was ignored")
        return image, b""
    return image, icc


def _has_colour(image: Image.Image) -> bool:
    red, green, blue, *_ = image.split()
    return red.tobytes() != green.tobytes() or red.tobytes() != blue.tobytes()


def _rgb_from_cmyk(image: Image.Image, icc: bytes, notes: list[str]) -> Image.Image:
    try:
        converted = colour.image_to_srgb(image, icc)
    except colour.ProfileError:
        notes.append("CMYK without a usable profile converted to RGB; colours are approximate")
        return image.convert("RGB")
    notes.append("CMYK converted to sRGB")
    return converted


def _without_profile(image: Image.Image, icc: bytes, notes: list[str]) -> Image.Image:
    """For profiles that lead to sRGB but not back, or that are damaged."""
    try:
        converted = colour.image_to_srgb(image.convert("RGB"), icc)
    except colour.ProfileError:
        notes.append("an unusable colour profile was ignored; colours are taken as sRGB")
        return image
    notes.append("colours converted to sRGB, because the profile works one way only")
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted


def _turned(flat: Image.Image, image: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(image.getexif().get(exif.ORIENTATION, 1))
    except Exception:  # Pillow's EXIF parser meets hostile bytes here
        turn = None
    return flat if turn is None else flat.transpose(turn)


def _source(
    image: ImageFile.ImageFile, path: Path, icc: bytes, size: tuple[int, int], notes: list[str]
) -> Source:
    is_jpeg = isinstance(image, JpegImagePlugin.JpegImageFile)
    sampling, tables = -1, None
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in {"L", "RGB"}:
        sampling = JpegImagePlugin.get_sampling(image)
        tables = {n: list(t) for n, t in image.quantization.items()}
    return Source(
        path=path,
        format="JPEG" if is_jpeg else str(image.format),
        mode=image.mode,
        exif=_exif(image, size, notes),
        icc=icc,
        xmp=re.sub(rb'(tiff:Orientation(?:="|>))[2-8]', rb"\g<1>1", embedded_xmp(image)),
        qtables=tables,
        subsampling=sampling if sampling >= 0 else None,
        dpi=_dpi(image),
        notes=tuple(notes),
    )


def _exif(image: ImageFile.ImageFile, size: tuple[int, int], notes: list[str]) -> bytes:
    block = image.info.get("exif")
    try:
        if image.format == "TIFF":
            block = exif.portable(image.getexif())
        elif not block and len(image.getexif()):
            block = image.getexif().tobytes()
        return exif.made_upright(block, size) if block else b""
    except Exception:  # Pillow's EXIF parser meets hostile bytes here
        notes.append("a damaged EXIF block was dropped")
        return b""


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    return (across, down) if min(across, down) >= 0.5 and max(across, down) < 2**16 else None


def _is_lossless(image: ImageFile.ImageFile) -> bool:
    if image.format == "WEBP" and image.fp is not None:
        return b"VP8L" in _webp_chunks(image.fp)
    return image.format in _LOSSLESS


def _webp_chunks(stream: IO[bytes]) -> set[bytes]:
    stream.seek(12)
    names = set()
    while len(header := stream.read(8)) == 8:
        name, length = struct.unpack("<4sI", header)
        names.add(name)
        stream.seek(length + length % 2, 1)
    return names
