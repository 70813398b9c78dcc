"""Morphs begin and end on the real photos, and get from one to the other without a jump."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from fakes import SIDE, FailingModel, FakeDetector, FakeModel

from facemod.editing.editor import Editor
from facemod.editing.morph import morph_frames
from facemod.imaging.photo import Photo, Source
from facemod.latent.interpolate import walk


@pytest.fixture
def faces():
    """Three encoded faces in noise that no model could reconstruct."""
    editor = Editor(FakeModel(), FakeDetector())
    encoded = []
    for seed, brightness in enumerate((40, 120, 200)):
        noise = np.random.default_rng(seed).integers(-40, 40, (90, 90, 3))
        pixels = (brightness + noise).clip(0, 255).astype(np.uint8)
        photo = Photo(pixels, None, Source(Path("a.png"), "PNG", "RGB"))
        encoded += editor.encode(editor.cut_out(photo))
    return encoded


def frames(faces, count: int, size: int = SIDE, **how) -> list[np.ndarray]:
    steps = list(walk(len(faces), count, **how))
    return list(morph_frames(FakeModel(), faces, steps, size))


def test_every_leg_begins_and_ends_on_the_aligned_photo(faces):
    film = frames(faces, 21)
    for index, face in zip((0, 10, 20), faces, strict=True):
        assert np.array_equal(film[index], face.crop.pixels)


def test_a_loop_passes_every_photo_and_comes_back(faces):
    film = frames(faces, 30, loop=True)
    for index, face in zip((0, 10, 20), faces, strict=True):
        assert np.array_equal(film[index], face.crop.pixels)
    # The first frame follows the last as smoothly as any other.
    steps = [distance(a, b) for a, b in zip(film, [*film[1:], film[0]], strict=True)]
    assert steps[-1] <= max(steps[:-1])


def test_no_frame_jumps(faces):
    film = frames(faces[:2], 41, ease="linear")
    steps = [distance(a, b) for a, b in itertools.pairwise(film)]
    assert max(steps) < 1.5 * np.median(steps)


def test_light_crosses_over_evenly_and_detail_steps_back(faces):
    """Half way the colours are those between; grain of two faces at once would be a ghost."""
    first, halfway, last = (f.astype(float) for f in frames(faces[:2], 3, ease="linear"))
    assert halfway.mean() == pytest.approx((first.mean() + last.mean()) / 2, abs=1)
    assert halfway.std() < 0.3 * min(first.std(), last.std())


@pytest.mark.parametrize("size", [32, 128])
def test_other_sizes(faces, size):
    film = frames(faces[:2], 4, size=size)
    assert {frame.shape for frame in film} == {(size, size, 3)}


def test_frames_come_one_at_a_time(faces):
    """So that a film of any length fits into memory."""
    model = FailingModel(AssertionError("decoded too early"), decoding=True)
    first = next(morph_frames(model, faces, list(walk(3, 9)), SIDE))
    assert np.array_equal(first, faces[0].crop.pixels)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(float) - b).mean())


def test_frames_are_drawn_as_large_as_the_aligned_faces_and_no_larger(faces):
    asked = []

    class Recording(FakeModel):
        def decode(self, codes, size=None):
            asked.append(size)
            return super().decode(codes, size)

    list(morph_frames(Recording(), faces, list(walk(3, 9)), SIDE))
    assert set(asked) == {SIDE}
