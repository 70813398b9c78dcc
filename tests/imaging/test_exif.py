import struct

import pytest
from PIL import ExifTags, Image

from facemod.imaging import exif


def block_with_thumbnail(order):
    """Orientation 6 in the first folder, and a second folder with a thumbnail behind it."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", exif.ORIENTATION, 3, 1, 6, 0)
    first = struct.pack(f"{order}H", 1) + entry + struct.pack(f"{order}I", 26)
    thumbnail = struct.pack(f"{order}HHIHH", 0x0103, 3, 1, 6, 0)
    second = struct.pack(f"{order}H", 1) + thumbnail + struct.pack(f"{order}I", 0)
    return exif.PREFIX + mark + struct.pack(f"{order}I", 8) + first + second


def loaded(block):
    result = Image.Exif()
    result.load(block)
    return result


@pytest.mark.parametrize("order", "<>")
def test_orientation_and_thumbnail(order):
    block = block_with_thumbnail(order)
    assert loaded(block).get_ifd(ExifTags.IFD.IFD1)
    upright = exif.made_true(block, (10, 20))
    assert loaded(upright)[exif.ORIENTATION] == 1
    assert not loaded(upright).get_ifd(ExifTags.IFD.IFD1)
    assert len(upright) == len(block)


def test_sizes_follow_the_turn_and_nothing_moves(camera_exif):
    camera_exif[exif.ORIENTATION] = 8
    block = camera_exif.tobytes()
    upright = exif.made_true(block, (48, 64))
    folder = loaded(upright).get_ifd(exif.EXIF_FOLDER)
    assert (folder[0xA002], folder[0xA003]) == (48, 64)
    assert upright.index(b"note\x00\x01") == block.index(b"note\x00\x01")


def test_a_damaged_block_is_an_error(camera_exif):
    with pytest.raises(struct.error):
        exif.made_true(camera_exif.tobytes()[:30], (1, 1))


def test_a_tiff_keeps_its_story_and_drops_its_storage(camera_exif):
    tags = loaded(camera_exif.tobytes())
    tags[0x013B] = "Zo\u00c3\u00ab"  # how Pillow reads Zoe with two dots, written in UTF-8
    tags[0x0111] = 4711  # where this file keeps its pixels
    portable = exif.portable(tags)
    kept = loaded(portable)
    assert kept[0x010F] == "Maker"
    assert kept.get_ifd(0x8825)[2] == (50.0, 4.0, 30.0)
    assert 0x0111 not in kept
    assert "Zo\u00eb".encode() in portable
