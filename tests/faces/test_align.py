"""From landmarks to the FFHQ square, and from the square to pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from facemod.faces import affine
from facemod.faces.align import crop_face, cut, ffhq_matrix, ffhq_square
from facemod.faces.face import Face

LANDMARKS = np.array([[210.0, 190.0], [300.0, 196.0], [251.0, 248.0], [214.0, 287.0], [291.0, 291]])


def face_of(landmarks: np.ndarray) -> Face:
    return Face(1, (0, 0, 1, 1), landmarks, score=1.0, verify=9.0, backend="none")


def smooth_photo(height: int, width: int) -> np.ndarray:
    """Every pixel says where it is: red and green are slow waves along x and y."""
    y, x = np.mgrid[:height, :width]
    waves = [128 + 100 * np.sin(x / 30), 128 + 100 * np.sin(y / 30), 128 + 0 * x]
    return np.rint(np.stack(waves, axis=2)).astype(np.uint8)


def color_at(points: np.ndarray) -> np.ndarray:
    x, y = points[..., 0], points[..., 1]
    waves = [128 + 100 * np.sin(x / 30), 128 + 100 * np.sin(y / 30), 128 + 0 * x]
    return np.stack(waves, axis=-1)


def recipe_of_ffhq(landmarks: np.ndarray) -> np.ndarray:
    """The corners of the published recipe: top left, bottom left, bottom right, top right."""
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    eye_to_eye, eye_to_mouth = landmarks[1] - landmarks[0], mouth - eyes
    x = eye_to_eye - np.flipud(eye_to_mouth) * [-1, 1]
    x /= np.hypot(*x)
    x *= max(np.hypot(*eye_to_eye) * 2.0, np.hypot(*eye_to_mouth) * 1.8)
    y = np.flipud(x) * [-1, 1]
    c = eyes + eye_to_mouth * 0.1
    return np.stack([c - x - y, c - x + y, c + x + y, c + x - y])


@pytest.mark.parametrize("turn", [0, 40, 170])
def test_the_square_is_the_published_one(turn):
    landmarks = LANDMARKS @ affine.square(np.zeros(2), turn, 1, 1)[:, :2].T
    edges = np.array([[-0.5, -0.5], [-0.5, 255.5], [255.5, 255.5], [255.5, -0.5]])
    corners = affine.apply(ffhq_matrix(landmarks, 256), edges)
    assert np.allclose(corners, recipe_of_ffhq(landmarks))


def test_the_inverse_goes_back():
    matrix = ffhq_matrix(LANDMARKS, 128)
    there = affine.apply(affine.inverse(matrix), LANDMARKS)
    assert np.allclose(affine.apply(matrix, there), LANDMARKS)
    assert np.all((there > 0) & (there < 128))


@pytest.mark.parametrize("size", [64, 300, 1024])
@pytest.mark.parametrize("turn", [0, 33])
def test_crop_pixels_come_from_where_the_matrix_says(size, turn):
    photo = smooth_photo(500, 520)
    landmarks = affine.apply(affine.square(np.array([255.0, 240.0]), turn, 1, 1), LANDMARKS - 250)
    crop = crop_face(photo, face_of(landmarks), size)
    y, x = np.mgrid[:size, :size]
    points = affine.apply(crop.matrix, np.stack([x, y], axis=-1).astype(float))
    inside = ((points > 4) & (points < (515, 495))).all(-1)
    difference = np.abs(crop.pixels.astype(float) - color_at(points))[inside]
    assert inside.mean() > 0.9
    # A crop much smaller than the photo averages over waves that are short in it.
    assert difference.mean() < 0.7
    assert difference.max() < 6


def test_outside_of_the_photo_lies_its_mirror_image():
    photo = smooth_photo(200, 200)
    crop = cut(photo, affine.square(np.array([19.5, 99.5]), 0, 100, 100), 100)
    assert np.array_equal(crop[:, 30:], photo[50:150, :70])
    assert np.array_equal(crop[:, :30], photo[50:150, 30:0:-1])


def test_an_aligned_photo_survives_bit_for_bit(noise):
    photo = noise(96, 96)
    matrix = affine.square(np.array([47.5, 47.5]), 0, 96, 96)
    assert np.array_equal(cut(photo, matrix, 96), photo)


def test_detail_finer_than_the_crop_is_averaged(noise):
    """Skipping pixels instead would leave noise as strong as it was, or half as strong."""
    photo = noise(900, 900)
    crop = cut(photo, affine.square(np.array([450.0, 450.0]), 10, 700, 128), 128)
    assert crop.std() < 1.4 * photo.std() * 128 / 700


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 2), (5, 5)])
def test_squares_larger_than_the_photo(shape, noise):
    landmarks = (LANDMARKS - 250) / 10 + (shape[1] / 2, shape[0] / 2)
    crop = crop_face(noise(*shape), face_of(landmarks), 64)
    assert crop.pixels.shape == (64, 64, 3)


def test_a_huge_photo_costs_what_its_face_costs(monkeypatch):
    """Nothing larger than the surroundings of the face goes through Pillow."""
    photo = np.zeros((6000, 7000, 3), np.uint8)
    largest = []
    original = Image.fromarray
    monkeypatch.setattr(
        Image, "fromarray", lambda array: largest.append(array.size) or original(array)
    )
    crop_face(photo, face_of(LANDMARKS + 3000), 256)
    _, half_width = ffhq_square(LANDMARKS)
    assert max(largest) < 3 * (2 * math.hypot(*half_width) + 40) ** 2 * 1.5
