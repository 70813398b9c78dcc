"""EXIF blocks: making them true again after a photo was turned upright and edited."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping

from PIL import Image, TiffImagePlugin

PREFIX = b"Exif\x00\x00"
ORIENTATION = 0x0112
EXIF_FOLDER = 0x8769
_WIDTH, _HEIGHT = 0xA002, 0xA003
_SHORT, _LONG = 3, 4

# The tags of a TIFF file that tell about the photo. All others describe how this one file
# stores its pixels, and would be lies in any other file.
_ABOUT_THE_PHOTO = (
    {0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298}  # names and dates
    | {0x4746, 0x4749}  # rating
    | {0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F}  # title, comment, author, keywords, subject
    | {0x83BB}  # IPTC captions and keywords
    | {EXIF_FOLDER, 0x8825}  # camera settings, GPS
)


def made_true(exif: bytes, size: tuple[int, int], orientation: int = 1) -> bytes:
    """An EXIF block for the same photo, now stored with ``size`` (width, height).

    Readers turn the photo as ``orientation`` says; 1 is upright. Patches values in place and moves
    nothing, because maker notes hold offsets from the start of the block. The thumbnail is
    unlinked: it shows the photo before the edit. Raises struct.error when the block is damaged.
    """
    block = bytearray(re.sub(rb"^(Exif\x00\x00)+", b"", exif))
    if bytes(block[:4]) not in (b"II*\0", b"MM\0*"):
        raise struct.error("not an EXIF block")
    order = "<" if block[:2] == b"II" else ">"
    (root,) = struct.unpack_from(f"{order}I", block, 4)
    truths = {ORIENTATION: orientation, _WIDTH: size[0], _HEIGHT: size[1]}
    for tag, kind, position in _entries(block, order, root):
        if tag == EXIF_FOLDER:
            (folder,) = struct.unpack_from(f"{order}I", block, position)
            for inner_tag, inner_kind, inner_position in _entries(block, order, folder):
                _patch(block, order, inner_kind, inner_position, truths.get(inner_tag))
        _patch(block, order, kind, position, truths.get(tag))
    (count,) = struct.unpack_from(f"{order}H", block, root)
    struct.pack_into(f"{order}I", block, root + 2 + 12 * count, 0)
    return PREFIX + bytes(block)


def packet_made_true(xmp: bytes, orientation: int = 1) -> bytes:
    """An XMP packet that gives this orientation, if it gives any."""
    return re.sub(rb'(tiff:Orientation(?:="|>))[1-8]', rb"\g<1>%d" % orientation, xmp)


def portable(exif: Image.Exif) -> bytes:
    """The part of a TIFF file's tags that is true of the photo in any file, as an EXIF block."""
    kept = Image.Exif()
    kept.endian = exif.endian
    for tag, value in _about_the_photo(exif).items():
        kept[tag] = value
    return kept.tobytes() if len(kept) else b""


def tiff_tags(exif: bytes, xmp: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """The tags with which a TIFF file carries an EXIF block and an XMP packet (either empty).

    Raises ValueError when the block holds values that cannot be written again.
    """
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    if xmp:
        tags[TiffImagePlugin.XMP] = xmp
    try:
        block = Image.Exif()
        block.load(exif)
        for tag, value in _about_the_photo(block).items():
            tags[tag] = value
        tags.tobytes()
    except Exception as problem:  # Pillow's EXIF parser and writer meet hostile bytes here
        raise ValueError(str(problem)) from problem
    return tags


def _about_the_photo(exif: Image.Exif) -> Mapping[int, object]:
    found: dict[int, object] = {}
    for tag in sorted(_ABOUT_THE_PHOTO & set(exif)):
        value = exif.get_ifd(tag) if tag in {EXIF_FOLDER, 0x8825} else exif[tag]
        # Pillow reads text as Latin-1 and writes it as ASCII; this keeps the file's own bytes.
        found[tag] = value.encode("latin-1", "replace") if isinstance(value, str) else value
    return found


def _entries(block: bytearray, order: str, folder: int) -> Iterator[tuple[int, int, int]]:
    """Tag, type and position of the value of each entry in the folder at an offset."""
    (count,) = struct.unpack_from(f"{order}H", block, folder)
    for start in range(folder + 2, folder + 2 + 12 * count, 12):
        tag, kind, _ = struct.unpack_from(f"{order}HHI", block, start)
        yield tag, kind, start + 8


def _patch(block: bytearray, order: str, kind: int, position: int, value: int | None) -> None:
    if value is None or kind not in (_SHORT, _LONG):
        return
    struct.pack_into(f"{order}{'H' if kind == _SHORT else 'I'}", block, position, value)
