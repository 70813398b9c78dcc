"""Everything that reads what strangers made, as functions of bytes that must not crash.

Each takes any bytes and returns quietly, whether they could be read or ended in a FacemodError.
"""

from __future__ import annotations

import io
import struct
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image
from toys import write_toy_presets

from facemod.errors import FacemodError
from facemod.imaging.reading import open_photo
from facemod.jobs.inputs import Shard
from facemod.jobs.journal import History, Log, unfinished
from facemod.jobs.plan import plan
from facemod.latent.edits import parse_slots
from facemod.latent.presets import find_presets, read_preset
from facemod.latent.strengths import parse_strength
from facemod.weights.files import load_weights

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF")
FOLDER = Path(tempfile.mkdtemp(prefix="facemod-fuzz-"))


@contextmanager
def quietly() -> Iterator[None]:
    """Errors of the house are fine, and so is what decoders mumble."""
    with suppress(FacemodError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_picture(data: bytes) -> None:
    """Any bytes as a photo."""
    with quietly():
        photo = open_photo("fuzz.jpg", data=data, max_megapixels=1)
        assert photo.rgb.shape == (*photo.pixels.shape[:2], 3)


def read_preset_file(data: bytes) -> None:
    """Any bytes as a preset, whose direction is wanted too."""
    path = FOLDER / "smile.safetensors"
    path.write_bytes(data)
    with quietly():
        read_preset(path).direction()
    find_presets([FOLDER])


def read_weights(data: bytes) -> None:
    """Any bytes as weights."""
    path = FOLDER / "weights.safetensors"
    path.write_bytes(data)
    with quietly():
        load_weights(path)


def read_log(data: bytes) -> None:
    """Any bytes as the log of an earlier run, in its place and by name."""
    log = Log(FOLDER / "out", "20260101-000000-000000", "")
    log.home.mkdir(parents=True, exist_ok=True)
    log.path.write_bytes(data)
    History.of(log, clean=False)
    with quietly():
        unfinished(log.path)


def parse_options(data: bytes) -> None:
    """Any text as each option that has a grammar of its own."""
    text = data.decode("utf-8", "surrogateescape").replace("\0", "")
    for parse in (Shard.parse, parse_slots):
        with quietly():
            parse(text)
    with suppress(ValueError):
        parse_strength(text)
    with quietly(), suppress(OSError):
        plan([(Path("a.jpg"), Path("sub/a.jpg"))], FOLDER / text, skip_existing=True)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "picture": read_picture,
    "preset": read_preset_file,
    "weights": read_weights,
    "log": read_log,
    "options": parse_options,
}


def seeds(name: str) -> list[bytes]:
    """Good input for a target, to be damaged."""
    if name == "picture":
        return [picture(kind) for kind in FORMATS]
    if name in ("preset", "weights"):
        data = (write_toy_presets(FOLDER / "toys") / "smile.safetensors").read_bytes()
        config = b'"__metadata__":{"facemod.format":"1","config":"' + b"[" * 9000 + b'"}'
        tensor = b'"direction":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
        deep = b"{" + tensor + b"," + config + b"}"
        return [data, struct.pack("<Q", len(deep)) + deep + bytes(4)]
    if name == "log":
        return [
            b'{"run": {}}\n{"planned": {"input": "a", "place": "a", "outputs": ["b"]}}\n'
            b'{"writing": {"target": "b", "temporary": ".c", "settings": "", "source": "", '
            b'"result": ""}}\n{"outcome": {"input": "a", "status": "done"}}\n'
        ]
    return [b"3/8", b"to:+1.5", b"3-8=b", b"{dir}/{stem}-{edit}{ext}", b"{sub!r:>9}{{}}.png"]


def picture(kind: str) -> bytes:
    """A small picture of a format, with metadata where it can have some."""
    pixels = np.random.default_rng(1).integers(0, 255, (24, 20, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    extra = {"exif": exif} if kind in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    Image.fromarray(pixels).save(stream, kind, **extra)
    return stream.getvalue()
