import io

import pytest
from PIL import Image

from facemod.imaging.segments import JpegParts, parts_of


def jpeg_of(picture, **options):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", **options)
    return stream.getvalue()


def test_a_file_is_its_two_parts(picture, camera_exif):
    file = jpeg_of(picture, exif=camera_exif, comment="hello", progressive=True)
    parts = parts_of(file)
    assert [part[:2] for part in parts.about] == [b"\xff\xe0", b"\xff\xe1", b"\xff\xfe"]
    assert parts.file() == file


@pytest.mark.parametrize("progressive", [False, True])
def test_what_comes_after_the_picture_is_no_part_of_it(picture, progressive):
    file = jpeg_of(picture, progressive=progressive, restart_marker_blocks=2)
    assert parts_of(file + b"\xff\xd8 a film \xff\xd9").file() == file


def test_padding_between_segments_is_skipped(picture):
    file = jpeg_of(picture)
    start = len(parts_of(file).about[0]) + 2
    assert parts_of(file[:start] + b"\xff\xff" + file[start:]).file() == file


def test_bare_pictures_keep_the_word_on_colours_but_no_thumbnail(picture):
    file = jpeg_of(picture, keep_rgb=True, comment="hello")
    (adobe,) = parts_of(file).bare().about
    assert adobe[4:9] == b"Adobe"
    jfif = parts_of(jpeg_of(picture)).about[0]
    with_thumbnail = jfif[:2] + b"\0\x13" + jfif[4:16] + b"\1\1" + b"RGB"
    assert JpegParts((with_thumbnail,), b"").bare().about == (jfif,)


def test_a_picture_described_by_another_keeps_its_own_colours(picture, camera_exif):
    own = parts_of(jpeg_of(picture, keep_rgb=True))
    other = parts_of(jpeg_of(picture, exif=camera_exif))
    joined = own.described_by(other)
    assert joined.picture == own.picture
    assert joined.about == (own.about[0], other.about[1])


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 30, 300, -1])
def test_what_is_cut_short_is_no_whole_file(picture, length):
    with pytest.raises(ValueError, match="JPEG"):
        parts_of(jpeg_of(picture)[:length])
