import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from facemod.errors import MissingExtraError, ModelError, OutputError, OutputExistsError, UsageError
from facemod.imaging import loops
from facemod.imaging.marking import Mark, read_mark
from facemod.imaging.video import verify_video, write_video

MARK = Mark("synthetic", "morph a b", "facemod 9.9")
SUFFIXES = [".mp4", ".gif", ".webp"]


def moving(picture, count):
    return (np.ascontiguousarray(np.roll(picture, 2 * shift, axis=1)) for shift in range(count))


def decoded(path):
    if path.suffix == ".mp4":
        reader = imageio_ffmpeg.read_frames(str(path))
        width, height = next(reader)["size"]
        return [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in reader]
    with Image.open(path) as image:
        frames = []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
        return frames


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_and_colours_arrive(tmp_path, picture, suffix):
    path = tmp_path / f"out{suffix}"
    assert write_video(moving(picture, 12), path, 24, mark=MARK) == 12
    frames = decoded(path)
    assert len(frames) == 12
    for frame, original in zip(frames, moving(picture, 12), strict=True):
        difference = frame.astype(int) - original
        assert np.abs(difference).mean() < 8
        assert np.abs(difference.mean(axis=(0, 1))).max() < 2.5
    assert list(tmp_path.iterdir()) == [path]


def test_mp4_is_what_players_expect(tmp_path, picture):
    path = tmp_path / "out.mp4"
    write_video(moving(picture, 6), path, 30, mark=MARK)
    report = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)],
        capture_output=True, text=True, check=False,
    ).stderr  # fmt: skip
    assert "h264" in report
    assert "yuv420p(tv, bt709" in report
    assert "64x48" in report
    assert "30 fps" in report
    assert f"comment         : {MARK.sentence}" in report
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # faststart


def test_mp4_skin_keeps_its_hue(tmp_path):
    path = tmp_path / "out.mp4"
    skin = np.full((64, 64, 3), (224, 172, 105), np.uint8)
    write_video([skin] * 3, path, 30)
    assert np.abs(decoded(path)[1].astype(int) - skin).max() <= 4


@pytest.mark.parametrize("fps", [30, 24, 12.5])
@pytest.mark.parametrize(("suffix", "tick"), [(".gif", 0.01), (".webp", 0.001)])
def test_loops_last_as_long_as_they_should(tmp_path, picture, suffix, tick, fps):
    path = tmp_path / f"out{suffix}"
    write_video(moving(picture, 10), path, fps)
    found, seconds, size = loops.loop_facts(path)
    assert (found, size) == (10, (64, 48))
    assert abs(seconds - 10 / fps) <= tick
    with Image.open(path) as image:
        assert image.info["loop"] == 0


def test_marks_of_loops(tmp_path, picture):
    write_video(moving(picture, 3), tmp_path / "out.webp", 10, mark=MARK)
    assert read_mark(tmp_path / "out.webp") == MARK
    write_video(moving(picture, 3), tmp_path / "out.gif", 10, mark=MARK)
    with Image.open(tmp_path / "out.gif") as image:
        assert image.info["comment"].decode() == MARK.sentence


def test_gif_does_not_flicker(tmp_path, picture):
    """Where nothing moves, no pixel changes, and no frame brings a palette of its own."""
    path = tmp_path / "out.gif"
    frames = [picture.copy() for _ in range(5)]
    for number, frame in enumerate(frames):
        frame[:8, : 8 * number] = (255, 0, 40 * number)
    write_video(frames, path, 10)
    shown = decoded(path)
    assert all(np.array_equal(frame[8:], shown[0][8:]) for frame in shown)
    assert len(np.unique(np.concatenate(shown).reshape(-1, 3), axis=0)) <= 255


def test_equal_frames_may_be_joined_but_keep_their_time(tmp_path, picture):
    for suffix in (".gif", ".webp"):
        path = tmp_path / f"out{suffix}"
        assert write_video([picture] * 8 + list(moving(picture, 4)), path, 20) == 12
        assert loops.loop_facts(path)[1] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_verification_notices_every_difference(tmp_path, picture, suffix):
    path = tmp_path / f"out{suffix}"
    write_video(moving(picture, 10), path, 20)
    verify_video(path, frames=10, fps=20, size=(64, 48))
    for wrong in ({"frames": 9, "fps": 18}, {"fps": 10}, {"size": (48, 64)}, {"frames": 20}):
        with pytest.raises(OutputError, match="instead of"):
            verify_video(path, **({"frames": 10, "fps": 20, "size": (64, 48)} | wrong))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(OutputError):
        verify_video(path, frames=10, fps=20, size=(64, 48))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_video_that_fails_verification_never_appears(tmp_path, picture, suffix, monkeypatch):
    monkeypatch.setattr("facemod.imaging.video._flaw", lambda *args: "it limps")
    path = tmp_path / f"out{suffix}"
    with pytest.raises(OutputError, match=rf"out\{suffix}: it limps"):
        write_video(moving(picture, 3), path, 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ModelError])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_fault_between_frames_leaves_nothing(tmp_path, picture, suffix, fault):
    def failing():
        yield from moving(picture, 3)
        raise fault("stop")

    with pytest.raises(fault, match="stop"):
        write_video(failing(), tmp_path / f"out{suffix}", 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_existing_videos_are_not_replaced(tmp_path, picture, suffix):
    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError):
        write_video(moving(picture, 3), path, 10)
    assert path.read_bytes() == b"old"
    write_video(moving(picture, 3), path, 10, overwrite=True)
    assert path.stat().st_size > 100


def test_requests_that_cannot_work(tmp_path, picture, monkeypatch):
    with pytest.raises(OutputError, match=r"use one of \.mp4, \.gif, \.webp"):
        write_video([picture], tmp_path / "out.avi", 10)
    with pytest.raises(UsageError, match="even sides, not 63 x 48"):
        write_video([picture[:, :63]], tmp_path / "out.mp4", 10)
    with pytest.raises(UsageError, match="at most 50 frames a second"):
        write_video([picture], tmp_path / "out.gif", 60)
    with pytest.raises(OutputError, match="no frames"):
        write_video([], tmp_path / "out.mp4", 10)
    with pytest.raises(ValueError, match="expected uint8 frames"):
        write_video([picture, picture[:40]], tmp_path / "out.mp4", 10)
    monkeypatch.setattr(loops, "_MAX_BYTES", 20_000)
    with pytest.raises(OutputError, match=r"write \.mp4"):
        write_video(moving(picture, 5), tmp_path / "out.webp", 10)
    assert list(tmp_path.iterdir()) == []


def test_missing_ffmpeg(tmp_path, picture, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nowhere"))
    with pytest.raises(MissingExtraError, match="IMAGEIO_FFMPEG_EXE"):
        write_video([picture], tmp_path / "out.mp4", 10)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtraError, match="pip install imageio-ffmpeg"):
        write_video([picture], tmp_path / "out.mp4", 10)


def test_failing_ffmpeg_is_reported_in_its_own_words(tmp_path, picture, monkeypatch):
    script = tmp_path / "ffmpeg"
    script.write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(script))
    with pytest.raises(OutputError, match="No space left on device"):
        write_video([np.zeros((512, 512, 3), np.uint8)] * 20, tmp_path / "out.mp4", 10)
    assert list(tmp_path.iterdir()) == [script]


def test_nothing_goes_to_stdout(tmp_path, picture, capfd):
    for suffix in SUFFIXES:
        write_video(moving(picture, 3), tmp_path / f"out{suffix}", 10)
    assert capfd.readouterr().out == ""
