"""Videos: H.264 through ffmpeg, loops through Pillow; checked before they are called finished."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from facemod.errors import MissingExtraError, OutputError, UsageError
from facemod.files.atomic import atomic_path
from facemod.imaging import loops
from facemod.imaging.marking import Mark

SUFFIXES = (".mp4", ".gif", ".webp")
_CRF = 16  # visually lossless
_MISSING_FFMPEG = (
    "writing .mp4 needs ffmpeg: pip install imageio-ffmpeg, or install ffmpeg and name it in "
    "IMAGEIO_FFMPEG_EXE; .gif and .webp work without"
)
# Without saying so, ffmpeg converts with the matrix of standard definition while players assume
# the one of high definition: faces come out greenish.
_TO_YUV = (
    "scale=in_range=full:out_range=tv:out_color_matrix=bt709:flags=accurate_rnd+full_chroma_int,"
    "format=yuv420p,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
)


def write_video(
    frames: Iterable[np.ndarray],
    path: str | Path,
    fps: float,
    *,
    mark: Mark | None = None,
    overwrite: bool = False,
    told: Callable[[int], None] = lambda written: None,
    start: int = 0,
    durations: Sequence[int] = (),
) -> int:
    """Write frames, uint8 [H, W, 3] in sRGB and all of one size, as .mp4, .gif or .webp.

    An mp4 streams: one frame is in memory at a time. The mark goes into the comment (mp4, gif)
    or XMP (webp). The file is verified before it gets its name. Returns the number of frames.
    ``told`` is called with the number of frames that went out, counted from ``start``;
    ``durations`` gives the frames of a loop their own times, in ms, of which ``fps`` is the mean.
    Raises UsageError for odd sides in an mp4 and too high rates in a gif, OutputError for an
    unknown suffix or when writing or verifying fails, MissingExtraError without ffmpeg.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OutputError(f"{path}: cannot write {suffix or 'a video without suffix'}; "
                          f"use one of {', '.join(SUFFIXES)}")  # fmt: skip
    write = _WRITERS[suffix]
    size, frames = _first_size(frames)
    with atomic_path(path, overwrite=overwrite) as temporary:
        count = write(_all_of_size(frames, size, told, start), temporary, fps, mark, durations)
        if flaw := _flaw(temporary, count, fps, size):
            raise OutputError(f"{path}: {flaw}")
    return count


def verify_video(path: str | Path, *, frames: int, fps: float, size: tuple[int, int]) -> None:
    """Decode a written video and raise OutputError unless it is what it should be.

    ``size`` is (width, height). Encoders of loops join equal neighbouring frames, so a loop may
    hold fewer frames, but must last as long.
    """
    if flaw := _flaw(Path(path), frames, fps, size):
        raise OutputError(f"{path}: {flaw}")


def _flaw(path: Path, frames: int, fps: float, size: tuple[int, int]) -> str:
    is_loop = path.suffix.lower() != ".mp4"
    try:
        found, seconds, found_size = loops.loop_facts(path) if is_loop else _mp4_facts(path)
    except (OSError, RuntimeError, EOFError) as problem:
        return f"the written video cannot be read back ({problem})"
    count_fits = 0 < found <= frames if is_loop else found == frames
    lasts = abs(seconds - frames / fps) <= 0.02 + 0.5 / fps
    if count_fits and lasts and found_size == size:
        return ""
    return (
        f"the written video holds {found} frames, {seconds:.2f} s, "
        f"{found_size[0]} x {found_size[1]} instead of {frames} frames, {frames / fps:.2f} s, "
        f"{size[0]} x {size[1]}"
    )


def _first_size(frames: Iterable[np.ndarray]) -> tuple[tuple[int, int], Iterator[np.ndarray]]:
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise OutputError("there are no frames to write a video of")
    return (first.shape[1], first.shape[0]), itertools.chain([first], iterator)


def _all_of_size(
    frames: Iterable[np.ndarray], size: tuple[int, int], told: Callable[[int], None], start: int
) -> Iterator[np.ndarray]:
    for number, frame in enumerate(frames, start=start + 1):
        if frame.shape != (size[1], size[0], 3) or frame.dtype != np.uint8:
            raise ValueError(f"expected uint8 frames of {size}, got {frame.dtype} {frame.shape}")
        yield np.ascontiguousarray(frame)
        told(number)


def _write_mp4(
    frames: Iterable[np.ndarray], path: Path, fps: float, mark: Mark | None, _: Sequence[int]
) -> int:
    (width, height), frames = _first_size(frames)
    if width % 2 or height % 2:
        raise UsageError(f"an mp4 needs even sides, not {width} x {height}: choose another --size")
    count = 0
    with _encoder(_command(path, (width, height), fps, mark)) as pipe:
        for frame in frames:
            pipe.write(frame.data)
            count += 1
    return count


_WRITERS: dict[str, Callable[..., int]] = {
    ".mp4": _write_mp4,
    ".gif": loops.write_gif,
    ".webp": loops.write_webp,
}


def _command(path: Path, size: tuple[int, int], fps: float, mark: Mark | None) -> list[str]:
    comment = ["-metadata", f"comment={mark.sentence}"] if mark else []
    return [
        find_ffmpeg(), "-hide_banner", "-loglevel", "error", "-y",
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{size[0]}x{size[1]}", "-r", str(fps),
        "-i", "-", "-an", "-vf", _TO_YUV, "-c:v", "libx264", "-crf", str(_CRF),
        "-movflags", "+faststart", *comment, "-f", "mp4", str(path.absolute()),
    ]  # fmt: skip


@contextmanager
def _encoder(command: list[str]) -> Iterator[IO[bytes]]:
    """A running ffmpeg that takes raw frames. Raises OutputError when it fails."""
    with tempfile.TemporaryFile() as log:
        process = _started(command, log)
        assert process.stdin is not None
        try:
            with suppress(BrokenPipeError):  # ffmpeg ended early; its exit status says why
                yield process.stdin
                process.stdin.close()
            status = process.wait()
        finally:
            process.kill()
            process.wait()
            with suppress(BrokenPipeError):
                process.stdin.close()
        if status != 0:
            log.seek(0)
            last = log.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            raise OutputError(f"ffmpeg failed ({''.join(last) or status})")


def _started(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
        )
    except (FileNotFoundError, PermissionError):
        raise MissingExtraError(_MISSING_FFMPEG) from None


def find_ffmpeg() -> str:
    """The path of an ffmpeg binary; MissingExtraError if there is none."""
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise MissingExtraError(_MISSING_FFMPEG) from None


def _mp4_facts(path: Path) -> tuple[int, float, tuple[int, int]]:
    """Frames, seconds and (width, height), by decoding all of the video."""
    import imageio_ffmpeg

    found, _ = imageio_ffmpeg.count_frames_and_secs(str(path.absolute()))
    reader = imageio_ffmpeg.read_frames(str(path.absolute()))
    facts = next(reader)
    reader.close()
    return found, facts["duration"], tuple(facts["source_size"])
