"""``facemod edit`` on a film."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from PIL import Image

from facemod.imaging.clips import frames_of, open_clip
from facemod.imaging.video import find_ffmpeg, write_video


@pytest.fixture
def clip(workplace):
    noise = np.random.default_rng(2).integers(-15, 15, (96, 96, 3))
    frame = (np.array([90, 120, 150]) + noise).astype(np.uint8)
    write_video([frame] * 6, "clip.mp4", 10)
    return "clip.mp4"


def frames(path) -> np.ndarray:
    return np.stack(list(frames_of(open_clip(path)))).astype(int)


def test_a_film_is_edited(run, clip, workplace):
    ended = run("edit", clip, "--smile", "+2", "-o", "out.mp4", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["outcomes"][0]["output"] == "out.mp4"
    change = frames(workplace / "out.mp4") - frames(workplace / clip)
    assert change[:, 44:52, 40:56, 0].mean() > 15
    assert "6 frames, 6 of them with 1 face that changed" in ended.err
    assert {path.name for path in workplace.iterdir()} == {"clip.mp4", "out.mp4"}


def test_the_default_place_is_the_folder_of_results(run, clip, workplace):
    assert run("edit", clip, "--smile", "+1").code == 0
    assert (workplace / "facemod-output" / "clip.mp4").exists()
    assert run("edit", clip, "--smile", "+1").code == 6
    assert "skipped" in run("edit", clip, "--smile", "+1", "--skip-existing").err


def test_odd_sides_lose_a_pixel(run, workplace):
    noise = np.random.default_rng(2).integers(80, 120, (5, 97, 95, 3), np.uint8)
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "95x97", "-r", "10", "-i", "-"]
    command = [find_ffmpeg(), "-loglevel", "error", *raw, "-c:v", "png", "odd.mkv"]
    subprocess.run(command, input=noise.tobytes(), check=True)
    assert (frames(workplace / "odd.mkv") == noise[:, :96, :94]).all()
    ended = run("edit", "odd.mkv", "--smile", "+2", "-o", "out.mp4")
    assert ended.code == 0, ended.err
    assert "one pixel of each odd side was cut off" in ended.err
    assert open_clip(workplace / "out.mp4").size == (94, 96)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_all_frames_of_animated_pictures_are_edited(run, workplace, suffix):
    noise = np.random.default_rng(2).integers(-15, 15, (3, 96, 95, 3))
    pictures = [Image.fromarray((np.array([90, 120, 150]) + n).astype(np.uint8)) for n in noise]
    times = [100, 40, 250]
    saving = {"lossless": True} if suffix == ".webp" else {}
    pictures[0].save(
        f"a{suffix}", save_all=True, append_images=pictures[1:], duration=times, **saving
    )
    ended = run("edit", f"a{suffix}", "--smile", "+2", "-o", f"out{suffix}")
    assert ended.code == 0, ended.err
    assert "3 frames, 3 of them with 1 face that changed" in ended.err
    written = open_clip(workplace / f"out{suffix}")
    assert (written.size, written.durations) == ((95, 96), tuple(times))
    change = frames(written.path) - frames(workplace / f"a{suffix}")
    assert (change[:, 44:52, 40:56, 0].mean((1, 2)) > 15).all()
    assert {path.name for path in workplace.iterdir()} == {f"a{suffix}", f"out{suffix}"}


def test_a_picture_of_one_frame_is_no_film(run, workplace, photo, pixels):
    photo("a.webp")
    assert run("edit", "a.webp", "--smile", "+2", "-o", "out.png").code == 0
    assert pixels("out.png").shape == (96, 96, 3)


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("clip.mp4", "a.png"), 2, "edit films one at a time"),
        (("clip.mp4", "--crop"), 2, "are for photos, not for films"),
        (("clip.mp4", "--min-likeness", "0.5"), 2, "are for photos, not for films"),
        (("clip.mp4", "--fidelity", "adapt"), 2, "fits to one photo"),
        (("clip.mp4", "-o", "out.jpg"), 2, "ends in .mp4"),
        (("missing.mp4",), 3, "missing.mp4: no such file"),
        (("clip.mp4", "--faces", "4"), 4, "--faces 4"),
    ],
)
def test_what_cannot_be_done(run, clip, photo, words, code, complaint):
    photo("a.png")
    ended = run("edit", *words, "--smile", "+1")
    assert ended.code == code
    assert complaint in ended.err.replace("\n", " ")
