"""Whatever is handed in instead of a photo: one clear InputError, never anything else."""

import os
import socket
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from facemod.errors import FacemodError, InputError, MissingExtraError
from facemod.imaging.reading import open_photo

FORMATS = {
    ".jpg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".gif": "GIF",
    ".avif": "AVIF",
}


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        open_photo(path, **options)
    message = str(caught.value)
    assert message.startswith(str(path))
    return message


def test_missing(tmp_path):
    assert "no such file" in refusal(tmp_path / "x.jpg")


def test_folder_that_looks_like_a_photo(tmp_path):
    (tmp_path / "x.jpg").mkdir()
    assert "is a folder, not a photo" in refusal(tmp_path / "x.jpg")


def test_empty(tmp_path):
    (tmp_path / "x.jpg").touch()
    assert "empty (0 bytes)" in refusal(tmp_path / "x.jpg")


@pytest.mark.parametrize(
    "content", [b"hello, world\n" * 9, b"%PDF-1.7\n", b"GIF8", b"\xff\xd8\xff"]
)
def test_renamed(tmp_path, content):
    (tmp_path / "x.jpg").write_bytes(content)
    assert "not a picture facemod can read" in refusal(tmp_path / "x.jpg")


def test_pictures_that_are_whole_and_of_no_use(tmp_path):
    empty = struct.pack(">IIBBBBB", 0, 0, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", empty), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    packed = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d))
              for n, d in chunks)  # fmt: skip
    (tmp_path / "none.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(packed))
    assert "a PNG of 0 x 0 pixels, which shows nothing" in refusal(tmp_path / "none.png")


@pytest.mark.parametrize("order", "<>")
def test_floating_point_tiff_in_colour(tmp_path, order):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entries = [(256, 2), (257, 2), (258, 32), (259, 1), (262, 2), (273, 200), (277, 3), (279, 48),
               (339, 3)]  # fmt: skip
    table = b"".join(struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in entries)
    head = mark + struct.pack(f"{order}IH", 8, len(entries)) + table
    (tmp_path / "x.tif").write_bytes(head.ljust(248, b"\0"))
    assert "floating-point numbers (32 bits each)" in refusal(tmp_path / "x.tif")


@pytest.mark.parametrize("suffix", [s for s in FORMATS if s != ".gif"])
def test_truncated(tmp_path, rng, suffix):
    path = tmp_path / f"x{suffix}"
    noise = rng.integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path, FORMATS[suffix])
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert "damaged" in refusal(path)


def test_a_jpeg_without_its_last_rows(tmp_path, picture):
    path = tmp_path / "x.jpg"
    Image.fromarray(picture).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    assert "cut short" in refusal(path)


def test_unreadable(tmp_path, picture, monkeypatch):
    path = tmp_path / "x.png"
    Image.fromarray(picture).save(path)

    def forbid(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", forbid)
    assert "no permission to read it" in refusal(path)


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "nul\0.jpg"])
def test_impossible_names(tmp_path, name):
    assert "cannot be opened" in refusal(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_do_not_hang(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    assert "pipe, socket or device" in refusal(tmp_path / "x.jpg")


@pytest.mark.skipif(sys.platform == "win32", reason="needs Unix sockets")
def test_sockets_and_devices(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # socket paths must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("x.jpg")
        assert "pipe, socket or device" in refusal("x.jpg")
    assert "pipe, socket or device" in refusal("/dev/null")


def test_bombs_are_refused_before_decoding(tmp_path):
    path = tmp_path / "x.png"
    Image.new("1", (20_100, 10_000)).save(path)
    message = refusal(path)
    assert "201 megapixels" in message
    assert "limit of 200" in message
    assert "--max-megapixels" in message
    assert "FACEMOD_MAX_MEGAPIXELS" in message


def test_the_pixel_limit_is_ours_in_both_directions(tmp_path, picture, monkeypatch):
    path = tmp_path / "x.png"
    Image.fromarray(picture).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_photo(path).pixels.shape == picture.shape
    assert Image.MAX_IMAGE_PIXELS == 100
    refusal(path, max_megapixels=0.003)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_floating_point_tiff(tmp_path):
    path = tmp_path / "x.tif"
    Image.fromarray(np.zeros((4, 4), np.float32)).save(path)
    assert "not supported" in refusal(path)


def test_heic_names_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "x.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    with pytest.raises(MissingExtraError, match=r"x\.heic.*facemod\[heif\]"):
        open_photo(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_damage_anywhere_is_a_photo_or_a_facemod_error(tmp_path, picture, camera_exif, rng, suffix):
    path = tmp_path / f"x{suffix}"
    Image.fromarray(picture[:16, :16]).save(path, FORMATS[suffix], exif=camera_exif.tobytes())
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    for _ in range(60):
        broken = whole.copy()
        broken[rng.integers(0, len(whole), 4)] = rng.integers(0, 256, 4, np.uint8)
        path.write_bytes(broken.tobytes())
        try:
            open_photo(path, max_megapixels=1)
        except FacemodError as error:
            assert str(path) in str(error)
