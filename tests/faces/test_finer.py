"""What a photo shows that is finer than the crop: lines go where things are gone, grain stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from facemod.faces import affine
from facemod.faces.composite import add_change
from facemod.faces.face import Crop, Face

SIDE, SIZE = 512, 128  # px of the photo and of the crop
NOTHING = np.zeros((SIZE, SIZE, 3), np.float32)
GRAIN = 3.0
LINE = slice(254, 256)


def photo_with_a_line(grain: float = GRAIN) -> np.ndarray:
    """A grainy grey photo [SIDE, SIDE, 3] with a thin dark line across."""
    photo = np.full((SIDE, SIDE, 3), 140.0)
    photo[LINE] = 40
    photo += np.random.default_rng(0).normal(0, grain, photo.shape)
    return photo.clip(0, 255).round().astype(np.uint8)


def crop_of(photo: np.ndarray, size: int = SIZE) -> Crop:
    """All of the photo as a crop."""
    matrix = affine.square(np.full(2, (SIDE - 1) / 2), 0, SIDE, size)
    face = Face(1, (0, 0, 1, 1), np.zeros((5, 2)), score=1.0, verify=9.0, backend="none")
    pixels = np.asarray(Image.fromarray(photo).resize((size, size), Image.Resampling.BOX))
    return Crop(pixels, matrix, face)


def left_half() -> torch.Tensor:
    """Gone at the left."""
    gone = torch.zeros(SIZE, SIZE)
    gone[:, : SIZE // 2] = 1
    return gone


def contrast(photo: np.ndarray, columns: slice) -> float:
    """How much darker the line is than what is 12 px above it."""
    rows = photo.astype(float).mean(2)[:, columns]
    return float(rows[242:244].mean() - rows[LINE].mean())


def test_thin_lines_go_where_things_are_gone():
    photo = photo_with_a_line()
    after = photo.copy()
    add_change(after, crop_of(photo), NOTHING, gone=left_half())
    gone, stays = slice(20, 230), slice(280, 490)
    assert contrast(photo, gone) > 95
    # What the crop shows of it, a quarter to a half, is for the change to take away.
    assert contrast(after, gone) < 60
    assert np.array_equal(after[:, stays], photo[:, stays])


def test_the_grain_stays():
    photo = photo_with_a_line()
    after = photo.copy()
    add_change(after, crop_of(photo), NOTHING, gone=left_half())
    calm = (slice(60, 200), slice(20, 230))
    before_grain, after_grain = (x[calm].astype(float).std() for x in (photo, after))
    assert after_grain == pytest.approx(before_grain, rel=0.25)


def test_without_grain_nothing_of_the_line_is_taken_for_it():
    photo = photo_with_a_line(grain=0)
    after = photo.copy()
    crop = crop_of(photo)
    add_change(after, crop, NOTHING, gone=torch.ones(SIZE, SIZE))
    seen = np.asarray(Image.fromarray(crop.pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    differences = np.abs(after.astype(int) - seen.astype(int))
    assert differences[:, 8:-8].max() <= 12


def test_a_crop_as_dense_as_the_photo_leaves_it_alone():
    photo = photo_with_a_line()
    after = photo.copy()
    change = np.zeros((SIDE, SIDE, 3), np.float32)
    add_change(after, crop_of(photo, SIDE), change, gone=torch.ones(SIZE, SIZE))
    assert np.array_equal(after, photo)
