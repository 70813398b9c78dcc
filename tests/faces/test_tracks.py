"""Faces over time."""

from __future__ import annotations

import numpy as np
import pytest

from facemod.faces.tracks import Track, face_at, smoothed, tracks_of

FACE = np.array([[-10, 0], [10, 0], [0, 10], [-8, 20], [8, 20]], dtype=np.float64)


def walk(frames: int, start: tuple[int, int], step: tuple[float, float]) -> list[np.ndarray]:
    return [FACE + start + n * np.array(step) for n in range(frames)]


def test_two_faces_that_come_close_stay_two():
    a, b = walk(20, (0, 0), (2, 0)), walk(20, (80, 30), (-2, 0))
    frames = [[x, y] if n % 2 else [y, x] for n, (x, y) in enumerate(zip(a, b, strict=True))]
    left, right = tracks_of(frames, gap=0)
    for n in range(20):
        assert np.array_equal(left.seen[n], a[n]) and np.array_equal(right.seen[n], b[n])


def test_a_missed_frame_is_filled_in():
    frames = [[points] for points in walk(12, (0, 0), (3, 1))]
    frames[5] = frames[6] = []
    [track] = tracks_of(frames, gap=2)
    assert np.allclose(smoothed(track).seen[5], walk(12, (0, 0), (3, 1))[5])


def test_a_face_that_comes_back_late_is_another():
    frames = [[points] for points in walk(12, (0, 0), (0, 0))]
    frames[4:8] = [[], [], [], []]
    assert len(tracks_of(frames, gap=2)) == 2
    assert len(tracks_of(frames, gap=4)) == 1


def test_nobody_goes_on_beyond_a_cut():
    frames = [[points] for points in walk(12, (0, 0), (0, 0))]
    before, after = tracks_of(frames, gap=4, cuts=[6])
    assert (sorted(before.seen), sorted(after.seen)) == ([*range(6)], [*range(6, 12)])


def test_a_flash_is_no_face():
    frames = [[points] for points in walk(9, (0, 0), (0, 0))]
    frames[4].append(FACE + 200)
    assert len(tracks_of(frames, gap=2)) == 1


def test_an_even_walk_is_not_late_and_jitter_shrinks():
    rng = np.random.default_rng(1)
    even = walk(60, (5, 7), (2, -1))
    noisy = [points + rng.normal(0, 1, (5, 2)) for points in even]
    untouched = smoothed(Track(dict(enumerate(even))))
    steady = smoothed(Track(dict(enumerate(noisy))))
    assert max(np.abs(untouched.seen[n] - even[n]).max() for n in range(60)) < 1e-9
    before = np.std([noisy[n] - even[n] for n in range(60)])
    after = np.std([steady.seen[n] - even[n] for n in range(60)])
    assert after < 0.5 * before


@pytest.mark.parametrize("count", [1, 2, 5])
def test_short_tracks(count):
    track = smoothed(Track(dict(enumerate(walk(count, (0, 0), (1, 0))))))
    assert list(track.seen) == list(range(count))


def test_without_smoothing_nothing_moves():
    noisy = Track({n: FACE + n % 3 for n in range(9)})
    assert all(np.array_equal(smoothed(noisy, 0).seen[n], noisy.seen[n]) for n in range(9))


def test_the_face_of_a_frame():
    face = face_at(Track({3: FACE}), 2, 3)
    assert (face.index, face.box) == (2, (-10, 0, 10, 20))
