"""Clips: films that are read frame by frame and put together again, with ffmpeg.

Loops (animated GIFs and WebPs) are films too, which Pillow reads and writes.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facemod.errors import InputError, OutputError
from facemod.files.atomic import atomic_path, write_bytes
from facemod.imaging.loops import LOOPS, loop_durations, loop_frames
from facemod.imaging.marking import Mark
from facemod.imaging.video import find_ffmpeg, write_video

Told = Callable[[int], None]


@dataclass(frozen=True)
class Clip:
    """A film: its file, (width, height) as shown, frames a second, and about how many frames.

    Sides are even, as mp4 needs them: of an odd one, the last row or column is left out.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    frames: int
    cut: tuple[int, int] = (0, 0)
    """Columns at the right and rows at the bottom that are left out."""
    durations: tuple[int, ...] = ()
    """Of a loop, how many ms each frame stands; empty for other films."""

    @property
    def part(self) -> str:
        """The suffix of the files in which some of its frames wait for the others."""
        return ".npy" if self.durations else ".mp4"


def open_clip(path: Path) -> Clip:
    """What a film is.

    Raises:
        InputError: there is no such file, or it is no film.
        MissingExtraError: there is no ffmpeg.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix.lower() in LOOPS:
        size, durations = loop_durations(path)
        fps = 1000 * len(durations) / sum(durations)
        return Clip(path, size, fps, len(durations), durations=durations)
    with _reading(path) as reader:
        try:
            facts = next(reader)
        except (OSError, RuntimeError, StopIteration) as problem:
            raise InputError(f"{path}: not a film that ffmpeg can read") from problem
    width, height = facts["size"]
    cut = (width % 2, height % 2)
    frames = round(facts["duration"] * facts["fps"])
    return Clip(path, (width - cut[0], height - cut[1]), float(facts["fps"]), frames, cut)


def frames_of(clip: Clip) -> Iterator[NDArray[np.uint8]]:
    """The frames [H, W, 3] of a film in sRGB, at a constant rate, one in memory at a time."""
    if clip.durations:
        yield from loop_frames(clip.path)
        return
    (width, height), (columns, rows) = clip.size, clip.cut
    with _reading(clip.path, ["-r", str(clip.fps)]) as reader:
        try:
            next(reader)
            for data in reader:
                whole = np.frombuffer(data, np.uint8).reshape(height + rows, width + columns, 3)
                yield np.ascontiguousarray(whole[:height, :width])
        except (OSError, RuntimeError) as problem:
            raise InputError(f"{clip.path}: the film is damaged ({problem})") from problem


def segments(
    clip: Clip, count: int, *, length: int, reach: int
) -> Iterator[tuple[int, dict[int, NDArray[np.uint8]]]]:
    """The first of each ``length`` frames, and these frames with ``reach`` more on both sides.

    ``count`` is the number of frames in all, which a film itself knows only about.
    """
    held: dict[int, NDArray[np.uint8]] = {}
    numbered = enumerate(frames_of(clip))
    for first in range(0, count, length):
        held = {n: frame for n, frame in held.items() if n >= first - reach}
        missing = min(first + length + reach, count) - max(held, default=-1) - 1
        held.update(islice(numbered, missing))
        yield first, held


class _reading:
    """An open reader of imageio-ffmpeg, closed at the end whatever happens."""

    def __init__(self, path: Path, output: Sequence[str] = ()) -> None:
        find_ffmpeg()
        import imageio_ffmpeg

        self.reader = imageio_ffmpeg.read_frames(
            str(path.absolute()), pix_fmt="rgb24", output_params=list(output)
        )

    def __enter__(self) -> Iterator:
        return self.reader

    def __exit__(self, *_: object) -> None:
        self.reader.close()


def write_part(
    frames: Iterator[NDArray[np.uint8]], part: Path, clip: Clip, told: Told, start: int
) -> None:
    """Write some frames of a film, counted from ``start``; :func:`finish` puts them together."""
    if not clip.durations:
        write_video(frames, part, clip.fps, told=told, start=start)
        return
    held = []
    for frame in frames:
        held.append(frame)
        told(start + len(held))
    stream = io.BytesIO()
    np.save(stream, np.stack(held))
    write_bytes(stream.getvalue(), part, overwrite=True)


def finish(
    parts: Sequence[Path], clip: Clip, target: Path, *, mark: Mark | None, overwrite: bool
) -> None:
    """Make a film of parts, with the sound or the times of the film they are of. OutputError."""
    if not clip.durations:
        join(parts, clip.path, target, mark=mark, overwrite=overwrite)
        return
    frames = (frame for part in parts for frame in np.load(part))
    write_video(frames, target, clip.fps, mark=mark, overwrite=overwrite, durations=clip.durations)


def join(
    parts: Sequence[Path], sound: Path, target: Path, *, mark: Mark | None, overwrite: bool
) -> None:
    """Put films of the same kind one after the other, with the sound of another film.

    Nothing is encoded again but sound that an mp4 cannot hold as it is. Raises OutputError.
    """
    listing = parts[0].with_name("parts.txt")
    listing.write_text("".join(f"file '{part.name}'\n" for part in parts), encoding="utf-8")
    comment = ["-metadata", f"comment={mark.sentence}"] if mark else []
    with atomic_path(target, overwrite=overwrite) as temporary:
        for codec in ("copy", "aac"):
            ended = subprocess.run(
                [
                    find_ffmpeg(), "-hide_banner", "-loglevel", "error", "-y",
                    "-f", "concat", "-i", str(listing.absolute()), "-i", str(sound.absolute()),
                    "-map", "0:v:0", "-map", "1:a?", "-c:v", "copy", "-c:a", codec,
                    "-map_metadata", "1", *comment, "-movflags", "+faststart",
                    "-f", "mp4", str(temporary.absolute()),
                ],
                capture_output=True, check=False,
            )  # fmt: skip
            if ended.returncode == 0:
                return
        last = ended.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise OutputError(f"{target}: ffmpeg failed to join the film ({''.join(last)})")
