"""The bundled detector: where faces are, at any rotation and size, and what is no face."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from facemod.faces import affine
from facemod.faces.align import ffhq_square
from facemod.faces.embedded import EmbeddedDetector

TURNS = (0, 30, 60, -75, 90, 180)


def placed(centre: tuple[float, float], degrees: float, side: float) -> affine.Matrix:
    return affine.square(np.array(centre), degrees, side, 512)


@pytest.mark.parametrize("which", [0, 1])
def test_the_square_of_an_aligned_face_is_the_whole_picture(which, portraits, detector):
    (face,) = detector.detect(portraits[which])
    centre, half_width = ffhq_square(face.landmarks)
    assert np.hypot(*(centre - 255.5)) < 0.02 * 512
    assert 2 * np.hypot(*half_width) == pytest.approx(512, rel=0.08)
    assert abs(face.roll) < 3
    assert face.verify > 6
    assert face.backend == "embedded"


@pytest.mark.parametrize("degrees", TURNS)
def test_landmarks_turn_with_the_photo(degrees, portraits, place, detector):
    upright = detector.detect(place(portraits[0], placed((350, 350), 0, 400), (700, 700)))
    matrix = placed((350, 350), degrees, 400)
    (face,) = detector.detect(place(portraits[0], matrix, (700, 700)))
    expected = turned(upright[0].landmarks, degrees)
    between_eyes = np.hypot(*(expected[1] - expected[0]))
    assert np.abs(face.landmarks - expected).max() < 0.08 * between_eyes
    assert math.cos(math.radians(face.roll - upright[0].roll - degrees)) > math.cos(math.radians(4))


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    return affine.apply(affine.square(np.array([349.5, 349.5]), degrees, 700, 700), points)


@pytest.mark.parametrize("side", [40, 88, 200, 1500])
def test_small_and_large_faces_are_found(side, portraits, place, detector):
    """Sides of the FFHQ square; the face itself is about half as wide."""
    matrix = placed((800, 780), 10, side)
    (face,) = detector.detect(place(portraits[1], matrix, (1600, 1560)))
    centre, half_width = ffhq_square(face.landmarks)
    assert np.hypot(*(centre - (800, 780))) < 0.04 * side
    assert 2 * np.hypot(*half_width) == pytest.approx(side, rel=0.12)


def test_faces_are_numbered_left_to_right(portraits, place, detector):
    photo = np.concatenate(
        [
            place(portraits[i], placed((160, 200), turn, side), (320, 400))
            for i, turn, side in ((1, 0, 200), (0, 20, 300), (0, 0, 150))
        ],
        axis=1,
    )
    faces = detector.detect(photo)
    assert [face.index for face in faces] == [1, 2, 3]
    middles = [face.landmarks.mean(0)[0] for face in faces]
    assert np.allclose(middles, [160, 480, 800], atol=20)


@pytest.mark.parametrize("shape", [(1, 1), (2, 500), (500, 2), (1, 40), (40, 4000), (33, 31)])
def test_rubbish_sizes_hold_no_face(shape, noise, detector):
    assert detector.detect(noise(*shape)) == []


@pytest.mark.parametrize("name", ["coins", "coffee", "chelsea", "brick", "text", "rocket"])
def test_objects_and_animals_are_no_faces(name, detector):
    data = pytest.importorskip("skimage.data")
    picture = getattr(data, name)()
    rgb = np.asarray(Image.fromarray(picture).convert("RGB"))
    assert detector.detect(rgb) == []


def test_a_false_proposal_falls_to_the_verdict(detector):
    """Two gauges on this motorcycle are faces to the first network, and not to the second."""
    data = pytest.importorskip("skimage.data")
    photo = data.stereo_motorcycle()[0]
    assert len(EmbeddedDetector(min_verify=-100).detect(photo)) == 2
    assert detector.detect(photo) == []


def test_a_face_of_a_real_person(detector):
    data = pytest.importorskip("skimage.data")
    (face,) = detector.detect(data.astronaut())
    by_eye = np.array([[203, 101], [247, 103], [226, 127], [204, 140], [243, 141]])
    assert np.abs(face.landmarks - by_eye).max() < 5


def test_a_read_only_photo_is_welcome(portraits, detector):
    photo = portraits[0].copy()
    photo.flags.writeable = False
    assert len(detector.detect(photo)) == 1


def test_faces_are_followed_as_they_move_and_turn(portraits, place, detector):
    face, whole = None, None
    for n in range(8):
        matrix = placed((300 + 9 * n, 350 - 4 * n), 2 * n, 300 + 5 * n)
        photo = place(portraits[0], matrix, (760, 700))
        whole = detector.detect(photo)[0]
        face = whole if face is None else detector.follow(photo, [face])[0]
        between_eyes = np.hypot(*(whole.landmarks[1] - whole.landmarks[0]))
        assert np.abs(face.landmarks - whole.landmarks).max() < 0.06 * between_eyes
        assert np.abs(np.subtract(face.box, whole.box)).max() < 0.8 * between_eyes
    assert face.verify > 6


def test_lost_faces_are_told_from_those_that_stayed(portraits, place, detector, noise):
    both = np.concatenate([place(p, placed((350, 350), 0, 400), (700, 700)) for p in portraits], 1)
    left, right = detector.detect(both)
    changed = both.copy()
    changed[:, 700:] = noise(700, 700)
    stayed, lost = detector.follow(changed, [left, right])
    assert np.abs(stayed.landmarks - left.landmarks).max() < 6 and stayed.index == left.index
    assert lost is None
    assert detector.follow(both, []) == []


def test_two_that_are_followed_to_one_are_one(portraits, place, detector):
    photo = place(portraits[0], placed((350, 350), 0, 400), (700, 700))
    [face] = detector.detect(photo)
    assert sum(one is not None for one in detector.follow(photo, [face, face])) == 1
