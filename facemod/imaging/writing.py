"""Writing photos and pictures: complete or not at all, marked, and with what their file knew."""

from __future__ import annotations

import dataclasses
import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from facemod.errors import OutputError, OutputExistsError
from facemod.files.atomic import write_bytes
from facemod.imaging import exif, turning
from facemod.imaging.blocks import NotCarriedError, changed_jpeg
from facemod.imaging.marking import Mark, packet_for
from facemod.imaging.photo import Photo, Source
from facemod.imaging.reading import orientation_of
from facemod.imaging.segments import parts_of

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_LOSSLESS_SUFFIXES = {".gif", ".bmp"}
_QUALITY = 95
_FULL_COLOUR = 0  # Pillow's code for JPEG subsampling 4:4:4
_LARGEST_JPEG_EXIF = 65533
_LARGEST_JPEG_XMP = 65504


def output_suffix(photo: str | Path) -> str:
    """The suffix that the result of editing a photo gets: its own one where we can write it."""
    suffix = Path(photo).suffix
    if suffix.lower() in FORMATS:
        return suffix
    return ".png" if suffix.lower() in _LOSSLESS_SUFFIXES else ".jpg"


def check_suffix(path: str | Path) -> str:
    """Pillow's name of the format that a path asks for. Raises OutputError for unknown ones."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise OutputError(
            f"{path}: cannot write {suffix or 'a file without suffix'}; "
            f"use one of {', '.join(FORMATS)}"
        )
    return FORMATS[suffix]


def write_photo(
    photo: Photo, path: str | Path, *, mark: Mark | None, overwrite: bool = False
) -> tuple[str, ...]:
    """Write a photo in the format that the suffix of ``path`` names.

    Carries EXIF, GPS, ICC profile, XMP and resolution; a JPEG from a JPEG keeps the blocks that no
    edit touched, its quantisation tables, its subsampling and its orientation; a grey photo stays
    grey. Returns what could not be carried, in words.
    Raises OutputExistsError when ``path`` is taken (the photo itself included) and not
    ``overwrite``, and OutputError when the file cannot be written or its suffix is unknown.
    """
    path = Path(path)
    if not overwrite and _is_same_file(path, photo.source.path):
        raise OutputExistsError(
            f"{path}: would replace the original photo; choose another place with -o, "
            "or --overwrite if you mean it"
        )
    data, notes = photo_file(photo, path, mark=mark)
    write_bytes(data, path, overwrite=overwrite)
    return notes


def photo_file(
    photo: Photo, path: str | Path, *, mark: Mark | None
) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of the file that :func:`write_photo` writes, and what could not be carried."""
    kind = check_suffix(path)
    notes: list[str] = []
    if kind == photo.source.format == "JPEG":
        try:
            return _with_own_blocks(photo, Path(path), mark, notes), tuple(notes)
        except NotCarriedError as problem:
            notes = [f"every block of the JPEG was encoded anew, edited or not: {problem}"]
    image = _image_for(photo, kind, notes)
    options = _options(kind, photo.source, mark, notes)
    return _encoded(image, kind, options, Path(path)), tuple(notes)


def _with_own_blocks(photo: Photo, path: Path, mark: Mark | None, notes: list[str]) -> bytes:
    """A JPEG photo as a file in which blocks without an edit are what they were.

    Its pixels stay turned as they are stored. Raises NotCarriedError when that cannot be done.
    """
    source = photo.source
    if not source.stored:
        raise NotCarriedError("its colours had to be converted")
    before, after = (
        turning.as_stored(pixels, source.orientation)
        for pixels in (photo.first_pixels, photo.pixels)
    )
    picture = changed_jpeg(source.stored, before, after)
    options = _options("JPEG", _turned_back(source, before.shape), mark, notes)
    words = _encoded(Image.new("L", (8, 8)), "JPEG", options, path)
    if orientation_of(Image.open(io.BytesIO(words))) != source.orientation:
        raise NotCarriedError("its EXIF block, which says how to turn it, had to be dropped")
    return picture.described_by(parts_of(words)).file()


def _turned_back(source: Source, shape: tuple[int, ...]) -> Source:
    """The source with metadata for pixels [H, W, 3] that are turned as they are stored."""
    xmp = exif.packet_made_true(source.xmp, source.orientation)
    try:
        size = (shape[1], shape[0])
        block = exif.made_true(source.exif, size, source.orientation) if source.exif else b""
    except struct.error:
        raise NotCarriedError("its EXIF block is damaged") from None
    return dataclasses.replace(source, exif=block, xmp=xmp)


def write_image(
    rgb: np.ndarray, path: str | Path, *, mark: Mark | None = None, overwrite: bool = False
) -> None:
    """Write a picture that has no file yet: ``rgb`` is uint8 [H, W, 3] in sRGB.

    Raises the errors of :func:`write_photo`.
    """
    write_bytes(image_file(rgb, path, mark=mark), path, overwrite=overwrite)


def image_file(rgb: np.ndarray, path: str | Path, *, mark: Mark | None = None) -> bytes:
    """The bytes of the file that :func:`write_image` writes."""
    kind = check_suffix(path)
    options = _options(kind, Source(Path(path), kind, "RGB"), mark, [])
    image = Image.fromarray(np.ascontiguousarray(rgb))
    return _encoded(image, kind, options, Path(path))


def _is_same_file(path: Path, other: Path) -> bool:
    return path.exists() and other.exists() and path.samefile(other)


def _image_for(photo: Photo, kind: str, notes: list[str]) -> Image.Image:
    image = Image.fromarray(photo.pixels)
    if photo.alpha is not None and kind == "JPEG":
        if photo.alpha.min() < 255:
            notes.append("JPEG cannot hold transparency: it was filled with white")
        image = _on_white(image, photo.alpha)
    if photo.source.is_grey:
        image = image.convert("L")
    if photo.alpha is not None and kind != "JPEG":
        image.putalpha(Image.fromarray(photo.alpha))
    return image


def _on_white(image: Image.Image, alpha: np.ndarray) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=Image.fromarray(alpha))
    return white


def _options(kind: str, source: Source, mark: Mark | None, notes: list[str]) -> dict[str, object]:
    """What Pillow's ``save`` needs to be told for this format; nothing is carried by itself."""
    xmp = packet_for(source.xmp, mark)
    common: dict[str, object] = {"icc_profile": source.icc} | (
        {"dpi": source.dpi} if source.dpi else {}
    )
    if kind == "JPEG":
        return common | _jpeg_options(source, xmp, mark, notes)
    if kind == "PNG":
        return common | {"exif": source.exif, "pnginfo": _png_text(xmp), "compress_level": 3}
    if kind == "WEBP":
        quality: dict[str, object] = {"quality": _QUALITY}
        if source.lossless:
            quality = {"lossless": True, "exact": True}
        return common | quality | {"exif": source.exif, "xmp": xmp}
    # Uncompressed, because Pillow cannot store EXIF folders in a compressed TIFF.
    return common | {"tiffinfo": _tiff_tags(source, xmp, notes), "compression": "raw"}


def _jpeg_options(
    source: Source, xmp: bytes, mark: Mark | None, notes: list[str]
) -> dict[str, object]:
    block = source.exif
    if len(block) > _LARGEST_JPEG_EXIF:
        notes.append("the EXIF block is too large for a JPEG and was dropped")
        block = b""
    if len(xmp) > _LARGEST_JPEG_XMP:
        notes.append("the XMP packet is too large for a JPEG; only the mark was written")
        xmp = packet_for(b"", mark)
    subsampling = _FULL_COLOUR if source.subsampling is None else source.subsampling
    options: dict[str, object] = {"exif": block, "xmp": xmp, "subsampling": subsampling}
    return options | ({"qtables": source.qtables} if source.qtables else {"quality": _QUALITY})


def _png_text(xmp: bytes) -> PngInfo:
    text = PngInfo()
    if xmp:
        text.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8"))
    return text


def _tiff_tags(source: Source, xmp: bytes, notes: list[str]) -> object:
    try:
        return exif.tiff_tags(source.exif, xmp)
    except ValueError:
        notes.append("a damaged EXIF block was dropped")
        return exif.tiff_tags(b"", xmp)


def _encoded(image: Image.Image, kind: str, options: dict[str, object], path: Path) -> bytes:
    """The file's bytes. In memory, so that only real disk errors can come while writing."""
    stream = io.BytesIO()
    try:
        image.save(stream, kind, **options)
    except (OSError, ValueError, OverflowError) as problem:
        raise OutputError(f"{path}: cannot be written as {kind} ({problem})") from problem
    return stream.getvalue()
