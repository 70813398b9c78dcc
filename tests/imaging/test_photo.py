import numpy as np
import pytest

from facemod.imaging.photo import Photo, Source


def photo_of(pixels, icc=b""):
    return Photo(pixels, None, Source("x.png", "PNG", "RGB", icc=icc))


def test_without_profile_the_pixels_are_the_rgb_themselves(picture):
    photo = photo_of(picture)
    assert photo.rgb is photo.rgb
    assert np.shares_memory(photo.rgb, picture)


def test_p3_colours_become_srgb_colours(p3_profile):
    pixels = np.array([[[200, 150, 130], [128, 128, 128], [255, 0, 0]]], np.uint8)
    rgb = photo_of(pixels, p3_profile).rgb[0].astype(int)
    assert np.abs(rgb - [(209, 147, 126), (128, 128, 128), (255, 0, 0)]).max() <= 1


def test_replacing_nothing_keeps_every_bit(picture, p3_profile):
    photo = photo_of(picture, p3_profile)
    assert np.array_equal(photo.replaced(photo.rgb.copy()).pixels, picture)


def test_only_changed_pixels_change(picture, p3_profile):
    photo = photo_of(picture, p3_profile)
    rgb = photo.rgb.copy()
    rgb[10:20, 10:20] = (193, 153, 133)
    pixels = photo.replaced(rgb).pixels
    untouched = np.ones(picture.shape[:2], bool)
    untouched[10:20, 10:20] = False
    assert np.array_equal(pixels[untouched], picture[untouched])
    assert np.abs(photo_of(pixels, p3_profile).rgb.astype(int) - rgb)[10:20, 10:20].max() <= 3


def test_a_small_change_keeps_what_srgb_cannot_hold(p3_profile):
    """Red beyond sRGB: clipped for the model, yet a slight edit must not dull it visibly."""
    pixels = np.full((1, 1, 3), (255, 0, 0), np.uint8)
    photo = photo_of(pixels, p3_profile)
    slightly_darker = np.full((1, 1, 3), (253, 0, 0), np.uint8)
    moved = photo.replaced(slightly_darker).pixels.astype(int)
    assert np.abs(moved - pixels).max() <= 6


def test_a_replaced_pixel_takes_the_new_colour(p3_profile):
    photo = photo_of(np.full((1, 1, 3), (255, 0, 0), np.uint8), p3_profile)
    replaced = photo.replaced(np.full((1, 1, 3), (193, 153, 133), np.uint8))
    assert np.abs(replaced.pixels.astype(int) - (187, 155, 136)).max() <= 1


def test_grey_profiles_work_both_ways(grey_profile):
    photo = photo_of(np.full((2, 2, 3), 128, np.uint8), grey_profile)
    assert np.abs(photo.rgb.astype(int) - 188).max() <= 1
    rgb = photo.rgb.copy()
    rgb[0, 0] = 55
    pixels = photo.replaced(rgb).pixels
    assert np.abs(pixels[0, 0].astype(int) - 10).max() <= 1
    assert (pixels[1, 1] == 128).all()


def test_rgb_cannot_be_drawn_on_by_accident(picture):
    with pytest.raises(ValueError, match="read-only"):
        photo_of(picture).rgb[0, 0] = 0


@pytest.mark.parametrize("rgb", [np.zeros((48, 63, 3), np.uint8), np.zeros((48, 64, 3))])
def test_replacing_refuses_other_shapes_and_types(picture, rgb):
    with pytest.raises(ValueError, match="expected uint8"):
        photo_of(picture).replaced(rgb)
