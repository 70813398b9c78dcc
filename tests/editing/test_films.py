"""Films in: steady edits, sound, segments that are not done twice."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import torch
from fakes import COLOURS, RESOLUTIONS, FakeDetector, FakeModel

from facemod.editing import films as filming
from facemod.editing.editor import Editor
from facemod.editing.films import Filming
from facemod.editing.roles import averaged
from facemod.editing.treatments import Retouch
from facemod.errors import InputError, NoFaceError
from facemod.imaging.clips import frames_of, open_clip, segments
from facemod.imaging.video import write_video
from facemod.latent.codes import Details
from facemod.latent.edits import Shift

FRAMES, SIDE = 20, 96


def redder() -> Retouch:
    direction = torch.zeros(len(RESOLUTIONS), COLOURS)
    direction[3:9, 0] = 0.5
    return Retouch(Shift(direction))


class Unsteady(FakeDetector):
    """Finds the face of each frame a little off."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(4)

    def detect(self, rgb):
        faces = super().detect(rgb)
        for face in faces:
            face.landmarks[:] += self.rng.normal(0, 0.6, 2)
        return faces


class NoisyModel(FakeModel):
    """Reads the colours of each face a little wrong."""

    def __init__(self) -> None:
        self.generator = torch.Generator().manual_seed(0)

    def encode(self, images):
        codes = super().encode(images)
        noise = torch.randn(len(codes), 1, COLOURS, generator=self.generator)
        return codes.shifted(0.1 * noise.expand_as(codes.styles))

    def decode(self, codes, size=None):
        # What an edit does depends on where it starts, as in real models.
        return super().decode(codes, size) * (1 + codes.styles.mean((1, 2)).reshape(-1, 1, 1, 1))


@pytest.fixture
def clip(tmp_path) -> Path:
    """Flat noise with a tone: 20 frames at 10 a second."""
    rng = np.random.default_rng(0)
    picture = (np.array([90, 120, 150]) + rng.integers(-15, 15, (SIDE, SIDE, 3))).astype(np.uint8)
    silent, path = tmp_path / "silent.mp4", tmp_path / "clip.mp4"
    write_video([picture] * FRAMES, silent, 10)
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(silent),
            "-f", "lavfi", "-i", "sine=frequency=440:duration=2", "-c:v", "copy", "-c:a", "aac",
            "-shortest", str(path),
        ],
        check=True,
    )  # fmt: skip
    return path


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    monkeypatch.setattr(filming, "SEGMENT", 8)


def run(editor: Editor, clip: Path, tmp_path: Path, **settings) -> np.ndarray:
    """The edited frames [N, H, W, 3]."""
    target, parts = tmp_path / "out.mp4", tmp_path / "parts"
    Filming(editor, redder(), **settings).run(
        open_clip(clip), target, parts, overwrite=True, progress=lambda what, all_, n: None
    )
    assert not parts.exists()
    return np.stack(list(frames_of(open_clip(target)))).astype(int)


def report(path: Path) -> str:
    words = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr


def test_every_frame_is_edited_and_the_sound_is_kept(clip, tmp_path):
    before = np.stack(list(frames_of(open_clip(clip)))).astype(int)
    after = run(Editor(FakeModel(), FakeDetector()), clip, tmp_path)
    assert after.shape == before.shape
    middle = (slice(None), slice(44, 52), slice(40, 56))
    assert ((after - before)[middle][..., 0].mean((1, 2)) > 15).all()
    assert np.abs((after - before)[:, :8]).mean() < 3
    assert "Audio: aac" in report(tmp_path / "out.mp4")


def test_averaging_over_time_takes_the_flicker_away(clip, tmp_path):
    def flicker(sigma: float) -> float:
        frames = run(Editor(NoisyModel(), Unsteady()), clip, tmp_path, sigma=sigma)
        return float(np.abs(np.diff(frames[:, 36:60, 36:60], axis=0)).mean())

    assert flicker(2.0) < 0.6 * flicker(0)


def test_a_run_that_was_killed_goes_on_with_its_segment(clip, tmp_path):
    class Killed(BaseException):
        pass

    def stop_in_the_second(what: str, frames: int, n: int) -> None:
        if what == "editing" and n == 12:
            raise Killed

    parts, edited = tmp_path / "parts", []
    film = Filming(Editor(FakeModel(), FakeDetector()), redder())
    with pytest.raises(Killed):
        film.run(open_clip(clip), tmp_path / "out.mp4", parts,
                 overwrite=False, progress=stop_in_the_second)  # fmt: skip
    first = parts / "00000000.mp4"
    assert sorted(parts.glob("[0-9]*.mp4")) == [first]
    told: list[tuple[str, int]] = []
    film.run(open_clip(clip), tmp_path / "out.mp4", parts,
             overwrite=False, progress=lambda what, frames, n: told.append((what, n)))  # fmt: skip
    edited = [n for what, n in told if what == "editing"]
    assert edited[0] == 8 and 5 not in edited  # the first segment was not edited again
    assert not any(what == "finding faces" for what, _ in told)
    assert len(list(frames_of(open_clip(tmp_path / "out.mp4")))) == FRAMES


def test_segments_come_with_their_surroundings(clip):
    found = segments(open_clip(clip), FRAMES, length=8, reach=5)
    seen = [(first, sorted(held)) for first, held in found]
    assert seen == [(0, [*range(13)]), (8, [*range(3, 20)]), (16, [*range(11, 20)])]


@pytest.mark.parametrize(("sigma", "each"), [(2.0, 2), (0.0, 1)])
def test_frames_are_encoded_once_wherever_segments_end(clip, tmp_path, sigma, each):
    """Every second is enough where codes are averaged."""

    class Counting(FakeModel):
        faces = 0

        def encode(self, images):
            self.faces += len(images)
            return super().encode(images)

    model = Counting()
    run(Editor(model, FakeDetector()), clip, tmp_path, sigma=sigma)
    assert model.faces == FRAMES / each


def test_most_pictures_of_a_steady_face_are_made_of_their_neighbours(clip, tmp_path):
    class Counting(FakeModel):
        pictures = 0

        def decode(self, codes, size=None):
            self.pictures += len(codes)
            return super().decode(codes, size)

    model = Counting()
    frames = run(Editor(model, FakeDetector()), clip, tmp_path)
    # Of 8, 8 and 4 frames 5, 5 and 3 are drawn, before and after.
    assert model.pictures == 2 * (5 + 5 + 3)
    assert np.abs(np.diff(frames[:, 36:60, 36:60].mean((1, 2)), axis=0)).max() < 1


def test_a_cut_parts_people_at_one_place(tmp_path):
    """Their codes are not averaged."""
    path = tmp_path / "two.mp4"
    tones = [np.full((SIDE, SIDE, 3), tone, np.uint8) for tone in (40, 200)]
    write_video([tones[0]] * 8 + [tones[1]] * 8, path, 10)
    codes = []

    class Keeping(FakeModel):
        def decode(self, codes_, size=None):
            codes.extend(codes_.styles[:, 0, 0].tolist())
            return super().decode(codes_, size)

    run(Editor(Keeping(), FakeDetector()), path, tmp_path)
    dark, bright = min(codes), max(codes)
    assert bright - dark > 1
    assert all(min(code - dark, bright - code) < 0.05 for code in codes)


def test_codes_of_a_still_face_stay():
    codes = FakeModel().sample(1, seed=1)
    torch.testing.assert_close(averaged([codes] * 3, [-1, 0, 1], 2.0).styles, codes.styles)


def test_details_are_averaged_with_the_styles():
    plain = FakeModel().sample(1, seed=0)
    frames = [
        replace(
            plain, details=(Details.of(torch.full((1, 2, 4, 4), float(n)), plain.styles + n),)
        ).giving_way(n + 1)
        for n in range(3)
    ]
    [entry] = averaged(frames, [-1, 0, 1], 2.0).details
    assert {len(x) for x in (entry.maps, entry.styles, entry.weights, entry.yielding)} == {1}
    torch.testing.assert_close(entry.maps, torch.ones(1, 2, 4, 4))
    torch.testing.assert_close(entry.styles, plain.styles + 1)
    assert entry.yielding.item() == pytest.approx(2)
    assert entry.weights.item() == pytest.approx(1)


def test_films_without_faces_and_files_that_are_no_films(tmp_path):
    dark = tmp_path / "dark.mp4"
    write_video([np.zeros((SIDE, SIDE, 3), np.uint8)] * 4, dark, 10)
    with pytest.raises(NoFaceError, match="no face was found in any frame"):
        run(Editor(FakeModel(), FakeDetector()), dark, tmp_path)
    (tmp_path / "x.mp4").write_text("no film")
    with pytest.raises(InputError, match="not a film"):
        open_clip(tmp_path / "x.mp4")
    with pytest.raises(InputError, match="no such file"):
        open_clip(tmp_path / "y.mp4")
