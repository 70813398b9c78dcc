"""Opening picture files. Whatever is wrong with one ends as an InputError that says so."""

from __future__ import annotations

import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageFile, UnidentifiedImageError

from facemod.errors import InputError, MissingExtraError
from facemod.imaging.flaws import flaw_of
from facemod.imaging.limits import MAX_MEGAPIXELS

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "GIF", "BMP")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")
_pillow_limit = threading.Lock()
# Pillow warns of tags that it skips; what is lost with them, readers say in words of their own.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@contextmanager
def opened_image(
    path: Path, max_megapixels: float = MAX_MEGAPIXELS, data: bytes | None = None
) -> Iterator[ImageFile.ImageFile]:
    """A picture file, recognised but not decoded yet; ``data`` is its bytes if they are known.

    Raises InputError or MissingExtraError, as :func:`facemod.imaging.reading.open_photo` does.
    """
    with _stream(path) if data is None else BytesIO(data) as stream:
        image = _recognised(stream, path)
        megapixels = image.width * image.height / 1e6
        if megapixels > max_megapixels:
            raise InputError(
                f"{path}: {image.width} x {image.height} is {megapixels:.0f} megapixels, more than "
                f"the limit of {max_megapixels:g}; --max-megapixels (or FACEMOD_MAX_MEGAPIXELS) "
                "raises it if you trust the file"
            )
        yield image


def read_file(path: Path) -> bytes:
    """The bytes of a picture file. Raises InputError."""
    with _stream(path) as stream:
        try:
            return stream.read()
        except OSError as problem:
            raise InputError(f"{path}: cannot be read ({problem.strerror})") from problem


def _stream(path: Path) -> BinaryIO:
    try:
        status = path.stat()
        _refuse_anything_but_files(path, status.st_mode)
        if status.st_size == 0:
            raise InputError(f"{path}: the file is empty (0 bytes)")
        return path.open("rb")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except PermissionError:
        raise InputError(f"{path}: no permission to read it") from None
    except (OSError, ValueError) as problem:
        raise InputError(f"{path}: cannot be opened ({problem})") from problem


def _refuse_anything_but_files(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder, not a photo")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: is a pipe, socket or device, not a photo file")


def _recognised(stream: BinaryIO, path: Path) -> ImageFile.ImageFile:
    head = stream.read(64)
    formats: tuple[str, ...] = _FORMATS
    if head[4:8] == b"ftyp" and any(brand in head[8:] for brand in _HEIC_BRANDS):
        _enable_heic(path)
        formats = ("HEIF",)
    try:
        with _no_pillow_limit():
            return Image.open(stream, formats=formats)
    except UnidentifiedImageError:
        if flaw := flaw_of(stream):
            raise InputError(f"{path}: {flaw}") from None
        raise InputError(
            f"{path}: not a picture facemod can read, or damaged at its very beginning; it reads "
            "JPEG, PNG, WebP, TIFF, AVIF, GIF, BMP, and HEIC with facemod[heif]"
        ) from None
    except Exception as problem:  # decoders raise anything at all on hostile bytes
        raise damaged(path, problem) from problem


def _enable_heic(path: Path) -> None:
    try:
        import pillow_heif
    except ImportError:
        raise MissingExtraError(
            f'{path}: HEIC photos need an extra: pip install "facemod[heif]"'
        ) from None
    pillow_heif.register_heif_opener()


@contextmanager
def _no_pillow_limit() -> Iterator[None]:
    """Suspend Pillow's own pixel limit, which is lower than ours, while headers are read."""
    with _pillow_limit:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def decode(image: ImageFile.ImageFile, path: Path) -> None:
    """Decode all pixels, or raise InputError."""
    try:
        image.load()
    except Exception as problem:  # decoders raise anything at all on hostile bytes
        raise damaged(path, problem) from problem


def damaged(path: Path, problem: Exception) -> InputError:
    """The error for a picture that a decoder gave up on."""
    words = str(problem) or type(problem).__name__
    return InputError(f"{path}: the picture is damaged or cut short ({words})")


def embedded_xmp(image: Image.Image) -> bytes:
    """The XMP packet of a picture file, or nothing."""
    packet = image.info.get("xmp") or b""
    return packet.encode() if isinstance(packet, str) else bytes(packet)
