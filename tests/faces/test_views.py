"""What a detector is shown of a photo, and how much of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from facemod.faces import affine
from facemod.faces.embedded import FIRST, EmbeddedDetector
from facemod.faces.mipmaps import Mipmaps
from facemod.faces.views import DETAIL, Disc, close, detail, detailed, part, whole

WIDE = (1280, 960)


def face_at(place, portrait, x: float, y: float, side: float, degrees: float = 0.0) -> np.ndarray:
    matrix = affine.square(np.array([x, y]), degrees, side, len(portrait))
    return place(portrait, matrix, WIDE)


def test_parts_are_those_of_the_whole(noise):
    photo = Mipmaps(noise(300, 500))
    all_of_it = whole(photo, 250)
    assert all_of_it.pixels.shape == (150, 250, 3)
    middle = part(photo, 250, (50, 20, 114, 84))
    expected = all_of_it.pixels[20:84, 50:114].astype(int)
    assert np.abs(middle.pixels - expected).max() <= 1
    corner = affine.apply(all_of_it.matrix, np.array([50.0, 20.0]))
    assert np.allclose(affine.apply(middle.matrix, np.zeros(2)), corner)
    # The first pixel of the view is as large as two of the photo.
    assert np.allclose(affine.apply(all_of_it.matrix, np.zeros(2)), [0.5, 0.5])


def test_a_close_look_shows_a_turned_face_upright(portraits, place):
    lying = Mipmaps(face_at(place, portraits[0], 600, 400, 240, 90))
    upright = Mipmaps(face_at(place, portraits[0], 600, 400, 240))
    box = np.array([550.0, 350, 650, 450])
    shown, wanted = close(lying, box, 90.0), close(upright, box, 0.0)
    assert np.abs(shown.pixels.astype(int) - wanted.pixels).mean() < 4


def test_small_faces_are_detail_and_blurred_photos_hold_none(portraits, place):
    small = Image.fromarray(face_at(place, portraits[1], 640, 480, 40)).convert("L")
    blocks = detail(small)
    assert blocks.max() > DETAIL
    row, column = np.unravel_index(blocks.argmax(), blocks.shape)
    assert np.hypot(column * 16 + 8 - 640, row * 16 + 8 - 480) < 40
    large = Image.fromarray(face_at(place, portraits[1], 640, 480, 1200)).convert("L")
    assert detail(large).max() > DETAIL
    assert detail(large.filter(ImageFilter.GaussianBlur(8))).max() < DETAIL


def test_detail_of_a_dim_photo_counts_for_more(noise):
    bright = Image.fromarray(noise(128, 128)).convert("L")
    dim = bright.point(lambda value: value // 4)
    assert detail(dim).mean() > 0.7 * detail(bright).mean()


def test_only_parts_with_detail_are_shown(portraits, place):
    photo = Mipmaps(face_at(place, portraits[1], 300, 700, 40))
    views = detailed(photo, 1280, [])
    assert 1 <= len(views) <= 4
    inside = [
        np.all(affine.apply(affine.inverse(v.matrix), np.array([300.0, 700])) > 0) for v in views
    ]
    assert any(inside)
    assert {view.pixels.shape for view in views} == {(192, 192, 3)}
    assert detailed(photo, 1280, [Disc(300, 700, 60)]) == []


def test_a_photo_full_of_detail_is_shown_whole(noise):
    (view,) = detailed(Mipmaps(noise(500, 700)), 1280, [])
    assert view.pixels.shape == (500, 700, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (90, 4000), (33, 31)])
def test_odd_photos_have_views(shape, noise):
    photo = Mipmaps(noise(*shape))
    for view in (*detailed(photo, 1280, []), whole(photo, 640)):
        assert view.pixels.size


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, detector: EmbeddedDetector):
    """The detector, and a list of the sizes (count, height, width) of what YuNet is shown."""
    shown: list[tuple[int, ...]] = []
    network = detector._propose._network

    def watch(x):
        shown.append((len(x), *x.shape[2:]))
        return network(x)

    monkeypatch.setattr(detector._propose, "_network", watch)
    return detector, shown


def test_one_look_is_enough_for_a_portrait(watched, portraits, place):
    detector, shown = watched
    (face,) = detector.detect(face_at(place, portraits[0], 640, 480, 700))
    assert face.verify > 6
    assert shown == [(1, 480, FIRST)]


def test_small_faces_give_reason_to_look_at_where_they_are(watched, portraits, place):
    detector, shown = watched
    photo = face_at(place, portraits[0], 400, 500, 200).copy()
    tiny = face_at(place, portraits[1], 1000, 300, 34)
    photo[200:400, 900:1100] = tiny[200:400, 900:1100]
    assert len(detector.detect(photo)) == 2
    assert shown[0] == (1, 480, FIRST)
    area = sum(count * height * width for count, height, width in shown)
    assert area < 0.6 * WIDE[0] * WIDE[1]


def test_a_suspicion_beside_a_close_face_is_looked_into(detector, portraits, place):
    photo = face_at(place, portraits[0], 400, 480, 700)
    small = face_at(place, portraits[1], 1100, 300, 60)
    photo = photo.copy()
    photo[200:400, 1000:1200] = small[200:400, 1000:1200]
    assert len(detector.detect(photo)) == 2
