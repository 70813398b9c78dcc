"""Changes go back where they came from, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from facemod.faces import affine
from facemod.faces.align import cut
from facemod.faces.composite import FEATHER, add_change, feather, replace
from facemod.faces.face import Crop, Face

SIZE = 128


def crop_at(centre: tuple[float, float], degrees: float, side: float, size: int = SIZE) -> Crop:
    """A crop of which only the matrix matters."""
    matrix = affine.square(np.array(centre), degrees, side, size)
    face = Face(1, (0, 0, 1, 1), np.zeros((5, 2)), score=1.0, verify=9.0, backend="none")
    return Crop(np.zeros((size, size, 3), np.uint8), matrix, face)


def blob(size: int = SIZE, middle: float = 0.5, radius: float = 0.2) -> np.ndarray:
    """A smooth bump [size, size], exactly 0 beyond ``radius``."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size - middle
    return (np.clip(1 - (x * x + y * y) / radius**2, 0, None) ** 2).astype(np.float32)


@pytest.mark.parametrize("side", [30, 128, 400])
def test_no_change_is_the_identity(side, noise):
    photo = noise(300, 310)
    before = photo.copy()
    crop = crop_at((150, 160), 25, side)
    add_change(photo, crop, np.zeros((SIZE, SIZE, 3), np.float32))
    replace(photo, crop, np.full((SIZE, SIZE, 3), 77, np.uint8), np.zeros((SIZE, SIZE), np.float32))
    assert np.array_equal(photo, before)


@pytest.mark.parametrize("side", [40, 128, 400])
def test_the_photo_changes_only_where_the_change_is(side, noise):
    photo = noise(500, 520)
    before = photo.copy()
    crop = crop_at((250, 260), 25, side)
    add_change(photo, crop, 90 * blob()[..., None].repeat(3, 2))
    y, x = np.mgrid[:500, :520]
    distance = np.hypot(x - 250, y - 260)
    reach = 0.2 * side + 2 * max(1.0, side / SIZE) + 1
    changed = (photo != before).any(2)
    assert changed[distance < 0.08 * side].mean() > 0.9
    assert not changed[distance > reach].any()


@pytest.mark.parametrize("side", [33, 64, 128, 500])
def test_a_change_arrives_with_its_size_and_place(side):
    """Smaller or larger than the crop, the same bump appears, scaled about its centre."""
    photo = np.full((600, 600, 3), 100, np.uint8)
    crop = crop_at((300.25, 290.5), 40, side)
    # Off the middle, so that a wrong rotation shows.
    add_change(photo, crop, 100 * blob(middle=0.4)[..., None].repeat(3, 2))
    change = photo[..., 0].astype(float) - 100
    expected_centre = affine.apply(crop.matrix, np.full(2, 0.4 * SIZE - 0.5))
    y, x = np.mgrid[:600, :600]
    centre = np.array([(change * x).sum(), (change * y).sum()]) / change.sum()
    assert np.allclose(centre, expected_centre, atol=0.02 * side)
    assert change.sum() == pytest.approx(100 * blob().sum() * (side / SIZE) ** 2, rel=0.03)
    assert change.max() == pytest.approx(100, abs=12 if side < 64 else 4)


def test_fine_stripes_average_out_in_a_small_face():
    photo = np.full((80, 80, 3), 100, np.uint8)
    stripes = np.zeros((SIZE, SIZE, 3), np.float32)
    stripes[:, ::2], stripes[:, 1::2] = 80, -80
    add_change(photo, crop_at((40, 40), 0, 30), stripes)
    assert np.abs(photo.astype(int) - 100).max() <= 8


def test_a_change_up_to_the_border_leaves_no_edge():
    photo = np.full((400, 400, 3), 100, np.uint8)
    add_change(photo, crop_at((200, 200), 15, 300), np.full((SIZE, SIZE, 3), 100, np.float32))
    assert photo[200, 200, 0] == 200
    steps = np.abs(np.diff(photo[..., 0].astype(int), axis=1))
    # A smoothstep is 1.5 times as steep as a straight ramp; at a corner two of them meet.
    assert steps.max() < 2.5 * 100 / (FEATHER * 300)


def test_the_feather_is_one_inside_and_fades_to_the_border():
    weights = feather(crop_at((200, 200), 20, 80, 100), (400, 400, 3))
    assert (weights[10:90, 10:90] == 1).all()
    assert weights[0].max() < 0.03
    assert np.allclose(weights, weights[::-1]) and np.allclose(weights, weights.T)


def test_where_the_photo_ends_nothing_fades():
    """The crop is 100 px and as wide as its photo, which goes on above and below."""
    weights = feather(crop_at((49.5, 99.5), 0, 100, 100), (200, 100, 3))
    assert (weights[12:88] == 1).all()
    assert weights[0].max() < 0.03 and weights[-1].max() < 0.03
    whole = feather(crop_at((49.5, 49.5), 0, 100, 100), (100, 100, 3))
    assert (whole == 1).all()


def test_a_change_that_ends_before_the_border_does_not_fade():
    crop = crop_at((200, 200), 20, 80, 100)
    change = np.zeros((100, 100, 3), np.float32)
    change[4:96, 4:] = 90
    weights = feather(crop, (400, 400, 3), change)
    assert (weights[30:70, :70] == 1).all()
    assert weights[30:70, -1].max() < 0.03
    change[:, -8:] = 0
    assert (feather(crop, (400, 400, 3), change) == 1).all()


def test_replacing_a_crop_with_itself_changes_next_to_nothing():
    y, x = np.mgrid[:300, :300]
    photo = np.stack([x * 0.8, y * 0.8, 128 + 60 * np.sin(x / 15)], 2).astype(np.uint8)
    before = photo.copy()
    crop = crop_at((150, 150), 30, 160)
    replace(photo, crop, cut(photo, crop.matrix, SIZE), np.ones((SIZE, SIZE), np.float32))
    assert np.abs(photo.astype(int) - before).max() <= 2


def test_a_mask_of_a_half_blends_by_half():
    photo = np.full((300, 300, 3), 40, np.uint8)
    half = np.full((SIZE, SIZE), 0.5, np.float32)
    replace(photo, crop_at((150, 150), 0, 100), np.full((SIZE, SIZE, 3), 240, np.uint8), half)
    assert (photo[120:180, 120:180] == 140).all()
    assert (photo[:90] == 40).all()


def test_values_beyond_white_are_clipped():
    photo = np.full((100, 100, 3), 250, np.uint8)
    add_change(photo, crop_at((50, 50), 0, 80), np.full((SIZE, SIZE, 3), 60, np.float32))
    assert photo[50, 50, 0] == 255


@pytest.mark.parametrize("centre", [(-5, 50), (50, 104), (-300, -300), (0, 0)])
def test_faces_that_leave_the_photo(centre, noise):
    photo = noise(100, 90)
    before = photo.copy()
    add_change(photo, crop_at(centre, 20, 60), np.full((SIZE, SIZE, 3), 50, np.float32))
    assert np.array_equal(photo, before) == (centre == (-300, -300))


def test_a_large_photo_is_touched_in_the_bounding_box_only():
    """Only views of the square's bounding box are taken; the rest is never read or written."""

    class Guarded(np.ndarray):
        touched = 0

        def __getitem__(self, key):
            Guarded.touched = max(Guarded.touched, np.asarray(super().__getitem__(key)).size)
            return super().__getitem__(key)

        def __setitem__(self, key, value):
            rows, columns = key
            assert rows.start >= 2900 and rows.stop <= 3101
            assert columns.start >= 3900 and columns.stop <= 4101
            super().__setitem__(key, value)

    photo = np.zeros((5000, 8000, 3), np.uint8).view(Guarded)
    add_change(photo, crop_at((4000, 3000), 45, 140), np.full((SIZE, SIZE, 3), 50, np.float32))
    assert 0 < Guarded.touched <= 3 * 201 * 201
    assert int(photo[3000, 4000, 0]) == 50
