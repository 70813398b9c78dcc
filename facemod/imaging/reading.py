"""Reading photos: decoded, turned upright, 8 bits, and with what their file said about them."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, ImageFile, JpegImagePlugin, TiffImagePlugin

from facemod.errors import InputError
from facemod.imaging import colour, exif, turning
from facemod.imaging.limits import MAX_MEGAPIXELS
from facemod.imaging.opening import decode, embedded_xmp, opened_image
from facemod.imaging.photo import Photo, Source

_LOSSLESS = {"PNG", "TIFF", "GIF", "BMP"}
_IPTC_IN_PHOTOSHOP_BLOCK = 0x0404


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
        notes, stored = _coming_losses(image), _stored(image)
        decode(image, path)
        return _photo_from(image, path, notes, stored)


class _Stored(NamedTuple):
    """What only the file itself tells; ``jpeg`` is all of it."""

    lossless: bool
    jpeg: bytes


def _stored(image: ImageFile.ImageFile) -> _Stored:
    return _Stored(_is_lossless(image), _whole_file(image) if _is_jpeg(image) else b"")


def _photo_from(image: ImageFile.ImageFile, path: Path, notes: list[str], stored: _Stored) -> Photo:
    flat = _eight_bit(image, path)
    usable, icc = _in_usable_colours(flat, image.info.get("icc_profile") or b"", notes)
    orientation = orientation_of(image)
    pixels = turning.upright(np.asarray(usable), orientation)
    source = _source(image, path, icc, (pixels.shape[1], pixels.shape[0]), notes)
    return Photo(
        pixels=np.ascontiguousarray(pixels[..., :3]),
        alpha=np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None,
        source=dataclasses.replace(
            source,
            lossless=stored.lossless,
            stored=stored.jpeg if usable is flat else b"",
            orientation=orientation,
        ),
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


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 when there is none."""
    try:
        found = image.getexif().get(exif.ORIENTATION, 1)
    except Exception:  # Pillow's EXIF parser meets hostile bytes here
        return 1
    return found if found in turning.ORIENTATIONS else 1


def _is_jpeg(image: Image.Image) -> bool:
    """Also of kinds that Pillow calls by another name, such as several JPEGs in one file."""
    return isinstance(image, JpegImagePlugin.JpegImageFile)


def _whole_file(image: ImageFile.ImageFile) -> bytes:
    if image.fp is None:
        return b""
    position = image.fp.tell()
    image.fp.seek(0)
    data = image.fp.read()
    image.fp.seek(position)
    return data


def _source(
    image: ImageFile.ImageFile, path: Path, icc: bytes, size: tuple[int, int], notes: list[str]
) -> Source:
    sampling, tables = -1, None
    if isinstance(image, JpegImagePlugin.JpegImageFile) and image.mode in {"L", "RGB"}:
        sampling = JpegImagePlugin.get_sampling(image)
        tables = {n: list(t) for n, t in image.quantization.items()}
    return Source(
        path=path,
        format="JPEG" if _is_jpeg(image) else str(image.format),
        mode=image.mode,
        exif=_exif(image, size, notes),
        icc=icc,
        xmp=exif.packet_made_true(embedded_xmp(image)),
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
        return exif.made_true(block, size) if block else b""
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
