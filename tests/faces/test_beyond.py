"""New colours of hair go on where the face's square ends, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from facemod.faces import affine
from facemod.faces import beyond as module
from facemod.faces.align import cut
from facemod.faces.composite import add_change
from facemod.faces.face import Crop, Face

SIZE, SIDE = 128, 200
HAIR, WALL = (70, 45, 30), (225, 225, 230)
# The square's columns of the photo in which there is hair, as parts of its side.
LOCK = (0.3, 0.6)


@pytest.fixture
def photo() -> np.ndarray:
    """A wall of 600 px, and a lock of hair from top to bottom."""
    rgb = np.full((600, 600, 3), WALL, np.uint8)
    left, right = (round(200 + part * SIDE) for part in LOCK)
    rgb[:, left:right] = HAIR
    return rgb


@pytest.fixture
def face(photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> Crop:
    """The square in the middle of the photo, where the lock is known to be hair."""
    likely = torch.zeros(1, 1, module.INSIDE, module.INSIDE)
    likely[..., slice(*(round(part * module.INSIDE) for part in LOCK))] = 1
    monkeypatch.setattr(module, "_hair", lambda crop: likely)
    matrix = affine.square(np.array([299.5, 299.5]), 0, SIDE, SIZE)
    found = Face(1, (0, 0, 1, 1), np.zeros((5, 2)), score=1.0, verify=9.0, backend="none")
    return Crop(cut(photo, matrix, SIZE), matrix, found)


def dyed(photo: np.ndarray, face: Crop, own: float) -> np.ndarray:
    """How the photo changes when the lock in the square gets lighter by 60."""
    change = np.zeros((SIZE, SIZE, 3), np.float32)
    change[:, slice(*(round(part * SIZE) for part in LOCK))] = 60
    after = photo.copy()
    add_change(after, face, change, torch.full((SIZE, SIZE), own))
    return after.astype(int) - photo


def test_dyed_hair_goes_on_and_ends_softly(photo: np.ndarray, face: Crop) -> None:
    lock = dyed(photo, face, own=1.0)[:, 290, 0]
    assert lock[200:400].min() > 50
    assert lock[410:425].min() > 40
    assert not lock[:95].any() and not lock[505:].any()
    assert np.abs(np.diff(lock)).max() <= 5


def test_the_wall_beside_the_hair_stays_as_it_is(photo: np.ndarray, face: Crop) -> None:
    change = dyed(photo, face, own=1.0)
    assert not change[:, :245].any() and not change[:, 340:].any()


def test_what_is_no_recolouring_ends_in_the_square(photo: np.ndarray, face: Crop) -> None:
    change = dyed(photo, face, own=0.0)
    assert not change[:199].any() and not change[401:].any()
    assert change[290, 290, 0] > 50


def test_it_is_the_same_for_a_turned_face(photo: np.ndarray, face: Crop) -> None:
    turned = affine.square(np.array([299.5, 299.5]), 90, SIDE, SIZE)
    crop = Crop(cut(np.rot90(photo, -1).copy(), turned, SIZE), turned, face.face)
    assert np.array_equal(crop.pixels, face.pixels)
    there = np.rot90(dyed(np.rot90(photo, -1).copy(), crop, own=1.0))
    assert np.abs(there - dyed(photo, face, own=1.0)).max() <= 2
