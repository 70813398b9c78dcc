"""Looking for faces in films: now and then everywhere, else where they were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import LANDMARKS

from facemod.faces.align import same_place
from facemod.faces.face import Face
from facemod.faces.looking import EVERY, cuts_of, looked, thumbnail

WIDTH, HEIGHT, SIDE = 320, 180, 40
DIM, BRIGHT = 60, 160
Spot = tuple[float, float] | None


def frame(*faces: Spot, background: int = DIM) -> np.ndarray:
    """A picture with faces at some places: discs of red, each of its own shade."""
    picture = np.full((HEIGHT, WIDTH, 3), background, np.uint8)
    picture[..., 0] = 0
    rows, columns = np.indices((HEIGHT, WIDTH))
    for shade, spot in enumerate(faces, start=1):
        if spot is not None:
            picture[np.hypot(columns - spot[0], rows - spot[1]) < SIDE / 8, 0] = 10 * shade
    return picture


def line(start: tuple[float, float], step: tuple[float, float], frames: int) -> list[Spot]:
    return [(start[0] + n * step[0], start[1] + n * step[1]) for n in range(frames)]


class Plain:
    """Finds all discs."""

    name = "plain"

    def __init__(self) -> None:
        self.frames = 0

    def detect(self, rgb: np.ndarray) -> list[Face]:
        self.frames += 1
        return spotted(rgb)


class Following(Plain):
    """Also follows those that move by less than their own size."""

    def follow(self, rgb: np.ndarray, known: Sequence[Face]) -> list[Face | None]:
        there = spotted(rgb)
        return [next((face for face in there if same_place(face, one)), None) for one in known]


def spotted(rgb: np.ndarray) -> list[Face]:
    faces = []
    for shade in sorted(set(np.unique(rgb[..., 0])) - {0}):
        rows, columns = np.nonzero(rgb[..., 0] == shade)
        centre = np.array([columns.mean(), rows.mean()])
        box = (*(centre - SIDE / 2).tolist(), *(centre + SIDE / 2).tolist())
        points = np.array(LANDMARKS) * SIDE + centre
        faces.append(Face(len(faces) + 1, box, points, 0.9, 7.0, "plain"))
    return faces


def counts(frames: Sequence[np.ndarray], detector: Plain) -> list[int]:
    return [len(seen.faces) for seen in looked(iter(frames), detector)]


def test_a_moving_face_is_followed_and_all_of_the_picture_searched_now_and_then():
    spots = line((30, 60), (5, 1), 40)
    detector = Following()
    found = list(looked((frame(spot) for spot in spots), detector))
    for seen, spot in zip(found, spots, strict=True):
        [face] = seen.faces
        assert np.allclose(
            face.landmarks.mean(0), np.array(LANDMARKS).mean(0) * SIDE + spot, atol=1
        )
    assert detector.frames == 40 / EVERY


@pytest.mark.parametrize("enters", range(9, 18))
def test_a_face_that_enters_is_found_and_followed_back_to_where_it_did(enters):
    first = line((30, 60), (3, 0), 40)
    second = [None] * enters + line((300, 120), (-2, 0), 40 - enters)
    detector = Following()
    found = counts([frame(a, b) for a, b in zip(first, second, strict=True)], detector)
    assert found == [1] * enters + [2] * (40 - enters)
    assert detector.frames == 40 / EVERY


def test_a_lost_face_is_looked_for_everywhere_at_once():
    spots = [*line((30, 60), (3, 0), 12), *line((250, 60), (3, 0), 12)]
    assert counts([frame(spot) for spot in spots], Following()) == [1] * 24


def test_a_face_that_leaves_is_gone():
    spots = [*line((30, 60), (3, 0), 12), *[None] * 12]
    detector = Following()
    assert counts([frame(spot) for spot in spots], detector) == [1] * 12 + [0] * 12
    assert detector.frames < 6


def test_after_a_cut_everything_is_searched_and_nobody_followed_back():
    """The second scene has a face where one may be followed back to in the first."""
    first = [frame((100, 90), None) for _ in range(4)]
    then = [frame((100, 90), (250, 90), background=BRIGHT) for _ in range(6)]
    detector = Following()
    found = list(looked(iter(first + then), detector))
    assert [len(seen.faces) for seen in found] == [1] * 4 + [2] * 6
    assert detector.frames == 2
    assert cuts_of([seen.small for seen in found]) == [4]


def test_a_flash_is_no_cut():
    frames = [frame((100, 90), background=BRIGHT if n == 5 else DIM) for n in range(12)]
    assert cuts_of([thumbnail(picture) for picture in frames]) == []
    assert counts(frames, Following()) == [1] * 12


def test_a_search_has_the_last_word():
    """What is followed and not found is no face, or no longer."""

    class Seer(Following):
        def follow(self, rgb: np.ndarray, known: Sequence[Face]) -> list[Face | None]:
            return list(known)

    spots = [*[(100.0, 90.0)] * 10, *[None] * 20]
    found = counts([frame(spot) for spot in spots], Seer())
    assert found[:10] == [1] * 10 and found[2 * EVERY :] == [0] * (30 - 2 * EVERY)


def test_detectors_that_cannot_follow_search_every_frame():
    spots = line((30, 60), (5, 1), 12)
    detector = Plain()
    assert counts([frame(spot) for spot in spots], detector) == [1] * 12
    assert detector.frames == 12


def test_no_frames_no_faces():
    assert list(looked(iter(()), Following())) == []
    assert cuts_of([]) == []
