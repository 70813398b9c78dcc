"""Copies that somebody painted on."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from facemod.errors import InputError, UsageError
from facemod.imaging.copies import Brush, brushed, painted_rgb, parse_brush
from facemod.imaging.photo import Photo, Source


def photo_of(pixels: np.ndarray, icc: bytes = b"") -> Photo:
    return Photo(pixels, None, Source(Path("a.png"), "PNG", "RGB", icc=icc))


def smooth_picture() -> np.ndarray:
    rows, columns = np.mgrid[:90, :120]
    picture = np.stack([rows * 2, columns * 2, 250 - rows - columns], axis=2)
    return picture.astype(np.uint8)


def test_a_copy_of_another_size_is_refused():
    photo = photo_of(smooth_picture())
    with pytest.raises(InputError, match="60 x 45 px and the photo 120 x 90 px"):
        painted_rgb(photo, photo_of(smooth_picture()[::2, ::2]))


def test_a_turned_copy_is_refused_with_a_hint():
    photo = photo_of(smooth_picture())
    with pytest.raises(InputError, match="turned"):
        painted_rgb(photo, photo_of(np.ascontiguousarray(np.rot90(smooth_picture()))))


def test_another_picture_is_refused():
    photo = photo_of(smooth_picture())
    with pytest.raises(InputError, match="nearly everywhere"):
        painted_rgb(photo, photo_of(smooth_picture()[::-1, ::-1].copy()))


def test_a_jpeg_copy_is_taken_as_it_is():
    buffer = io.BytesIO()
    Image.fromarray(smooth_picture()).save(buffer, "JPEG", quality=60)
    copy = np.asarray(Image.open(buffer))
    assert np.array_equal(painted_rgb(photo_of(smooth_picture()), photo_of(copy)), copy)


def test_a_copy_that_lost_its_profile_is_read_in_the_colours_of_the_photo():
    # A profile far from sRGB: red and blue are exchanged by its primaries.
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = lab.replace(b"rXYZ", b"????").replace(b"bXYZ", b"rXYZ").replace(b"????", b"bXYZ")
    photo = photo_of(smooth_picture(), icc=swapped)
    assert np.abs(photo.rgb.astype(int) - photo.pixels).max() > 60  # the profile matters
    assert np.array_equal(painted_rgb(photo, photo_of(photo.pixels.copy())), photo.rgb)
    assert np.array_equal(painted_rgb(photo, photo_of(photo.rgb.copy())), photo.rgb)


def test_a_dab_is_round_and_changes_nothing_else():
    picture = smooth_picture()
    dabbed = brushed(picture, [Brush(30, 40, 6, (200, 10, 20))])
    rows, columns = np.mgrid[:90, :120]
    away = np.hypot(columns - 30, rows - 40)
    assert (dabbed[away < 5] == (200, 10, 20)).all()
    assert np.array_equal(dabbed[away > 7], picture[away > 7])


def test_a_dab_may_hang_over_the_edge():
    dabbed = brushed(smooth_picture(), [Brush(-3, 89, 8, (1, 2, 3)), Brush(500, 500, 9, (0, 0, 0))])
    assert (dabbed[89, 0] == (1, 2, 3)).all()


def test_reading_brushes():
    assert parse_brush("512, 640.5,12,#B01030") == Brush(512, 640.5, 12, (0xB0, 0x10, 0x30))


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,red", "1,2,0,#ffffff", "a,2,3,#ffffff", "nan,2,3,#ffffff"]
)
def test_brushes_that_make_no_sense(text):
    with pytest.raises(UsageError, match="--brush"):
        parse_brush(text)
