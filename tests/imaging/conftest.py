"""Pictures and profiles made on the spot, so that no test needs a file or the network."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image

P3_PRIMARIES = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    b'xmp:CreatorTool="Old Camera" xmp:Rating="5">'
    b"<dc:title><rdf:Alt><rdf:li>Na\xc3\xafve</rdf:li></rdf:Alt></dc:title>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def picture() -> np.ndarray:
    """A smooth colourful picture, uint8 [48, 64, 3]."""
    down, across = np.mgrid[0:48, 0:64]
    return np.stack([across * 4, down * 5, 128 + 60 * np.sin(across / 9)], axis=-1).astype(np.uint8)


@pytest.fixture
def xmp_packet() -> bytes:
    return XMP


@pytest.fixture
def camera_exif() -> Image.Exif:
    """EXIF as a camera writes it: names, maker note, GPS, pixel dimensions."""
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif[0x8769] = {0x9003: "2024:05:01 10:00:00", 0x927C: b"note\x00\x01", 0xA002: 64, 0xA003: 48}
    exif[0x8825] = {1: "N", 2: (50.0, 4.0, 30.0)}
    return exif


@pytest.fixture
def p3_profile() -> bytes:
    """A Display-P3 profile: its primaries, and the tone curve of sRGB."""
    curve = _tag(
        b"para",
        struct.pack(">HH", 3, 0) + _fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    )
    tags = {
        name: _tag(b"XYZ ", _fixed(*xyz))
        for name, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3_PRIMARIES, strict=True)
    }
    tags |= {b"wtpt": _tag(b"XYZ ", _fixed(0.9642, 1.0, 0.8249))}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


@pytest.fixture
def grey_profile() -> bytes:
    """A grey profile with a plain gamma of 1.0, far from sRGB."""
    tags = {
        b"wtpt": _tag(b"XYZ ", _fixed(0.9642, 1.0, 0.8249)),
        b"kTRC": _tag(b"curv", struct.pack(">I", 0)),
    }
    return _profile(b"mntr", b"GRAY", b"XYZ ", tags)


@pytest.fixture
def one_way_profile() -> Callable[[bytes, Callable], bytes]:
    """Makes a profile that leads from ``space`` to Lab only; ``lab_of`` gives its corners."""

    def make(space: bytes, lab_of: Callable[[Sequence[int]], Sequence[float]]) -> bytes:
        channels = 4 if space == b"CMYK" else 3
        corners = np.array(list(np.ndindex(*[2] * channels)))
        lab = np.array([lab_of(corner) for corner in corners])
        grid = np.rint(np.stack([lab[:, 0] * 2.55, lab[:, 1] + 128, lab[:, 2] + 128], axis=1))
        ramp = bytes(range(256))
        identity = _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
        body = (
            bytes([channels, 3, 2, 0])
            + identity
            + ramp * channels
            + grid.astype(np.uint8).tobytes()
        )
        tags = {
            b"A2B0": _tag(b"mft1", body + ramp * 3),
            b"wtpt": _tag(b"XYZ ", _fixed(0.9642, 1.0, 0.8249)),
        }
        return _profile(b"scnr" if channels == 3 else b"prtr", space, b"Lab ", tags)

    return make


@pytest.fixture
def png_of_16_bits() -> Callable[[np.ndarray], bytes]:
    """Writes uint16 [H, W, 1..4] as PNG, which Pillow cannot."""

    def make(values: np.ndarray) -> bytes:
        height, width, channels = values.shape
        colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
        header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))

    return make


def _chunk(parts: tuple[bytes, bytes]) -> bytes:
    name, data = parts
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _tag(kind: bytes, body: bytes) -> bytes:
    data = kind + bytes(4) + body
    return data + bytes(-len(data) % 4)


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, offset + len(body), len(data))
        body += data
    header = struct.pack(
        ">I4sI4s4s4s", offset + len(body), b"none", 0x04200000, kind, space, connection
    )
    header += bytes(12) + b"acsp" + bytes(28) + _fixed(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + table + body
