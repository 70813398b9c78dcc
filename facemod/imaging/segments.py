"""The two parts of a JPEG file (T.81, B): words about the picture, and the picture itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

_START, _END = b"\xff\xd8", 0xD9
_START_OF_SCAN, _COMMENT = 0xDA, 0xFE
_ABOUT = {*range(0xE0, 0xF0), _COMMENT}
_JFIF, _ADOBE = b"\xff\xe0", b"\xff\xee"
_JFIF_LENGTH = 18
# After the first scan begins, 0xFF is a marker unless a zero or a restart number follows.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


@dataclass(frozen=True)
class JpegParts:
    """A JPEG file between its first and its last marker.

    ``about`` are the segments with metadata (APPn and comments), each with its marker;
    ``picture`` is all the rest, in order, up to the end of the picture: what a file holds
    behind that (a film, a second picture) is in neither.
    """

    about: tuple[bytes, ...]
    picture: bytes

    def file(self) -> bytes:
        """The two parts as a file."""
        return b"".join((_START, *self.about, self.picture))

    def bare(self) -> JpegParts:
        """The picture alone, with no more than decoders need to know its colours."""
        return JpegParts(tuple(filter(None, map(_word_on_colours, self.about))), self.picture)

    def described_by(self, other: JpegParts) -> JpegParts:
        """This picture with all that the other file says, but for the colours."""
        said = tuple(part for part in other.about if not _word_on_colours(part))
        return JpegParts(self.bare().about + said, self.picture)


def _word_on_colours(segment: bytes) -> bytes:
    """A segment if it is one of the two that tell the colours of the components, or nothing.

    That of JFIF may hold a thumbnail, which would show another picture after an edit.
    """
    if segment[:2] == _JFIF and segment[4:9] == b"JFIF\0" and len(segment) >= _JFIF_LENGTH:
        return segment[:2] + b"\0\x10" + segment[4:16] + b"\0\0"
    return segment if segment[:2] == _ADOBE and segment[4:9] == b"Adobe" else b""


def parts_of(jpeg: bytes) -> JpegParts:
    """Take a JPEG file apart. Raises ValueError when it is not a whole one."""
    if not jpeg.startswith(_START):
        raise ValueError("not a JPEG file")
    about: list[bytes] = []
    tables: list[bytes] = []
    position = 2
    while (marker := _marker_at(jpeg, position)) != _START_OF_SCAN:
        end = _segment_end(jpeg, position)
        (about if marker in _ABOUT else tables).append(jpeg[position:end])
        position = end
        while jpeg[position : position + 2] == b"\xff\xff":  # markers may be padded
            position += 1
    scans = jpeg[position : _end_of_picture(jpeg, position)]
    return JpegParts(tuple(about), b"".join((*tables, scans)))


def _marker_at(jpeg: bytes, position: int) -> int:
    if jpeg[position : position + 1] != b"\xff" or position + 4 > len(jpeg):
        raise ValueError("the JPEG's segments are damaged")
    return jpeg[position + 1]


def _segment_end(jpeg: bytes, position: int) -> int:
    length = int.from_bytes(jpeg[position + 2 : position + 4], "big")
    if length < 2 or position + 2 + length > len(jpeg):
        raise ValueError("the JPEG's segments are damaged")
    return position + 2 + length


def _end_of_picture(jpeg: bytes, position: int) -> int:
    while found := _MARKER.search(jpeg, position):
        if found[1][0] == _END:
            return found.end()
        position = _segment_end(jpeg, found.start())
    raise ValueError("the JPEG has no end")
