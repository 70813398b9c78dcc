"""What is wrong with a picture file that Pillow does not recognise although it is whole."""

from __future__ import annotations

import struct
from typing import BinaryIO

from PIL import TiffImagePlugin

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*")
_FLOATING_POINT = 3


def flaw_of(stream: BinaryIO) -> str:
    """Words for a kind of file that is known and of no use here; nothing for any other."""
    stream.seek(0)
    head = stream.read(24)
    if head.startswith(_PNG) and len(head) == 24:
        width, height = struct.unpack(">II", head[16:])
        if not (width and height):
            return f"a PNG of {width} x {height} pixels, which shows nothing"
    if head.startswith(_TIFF):
        return _flaw_of_tiff(stream, head[:8])
    return ""


def _flaw_of_tiff(stream: BinaryIO, head: bytes) -> str:
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(head)
        stream.seek(tags.next)
        tags.load(stream)
        kinds = tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    except Exception:  # Pillow's parser meets hostile bytes here
        return ""
    if _FLOATING_POINT in kinds:
        return (
            f"a TIFF of floating-point numbers ({bits[0]} bits each), which facemod cannot read; "
            "save it with 8 or 16 bits for each colour"
        )
    return ""
