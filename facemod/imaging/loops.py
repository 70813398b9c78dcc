"""Loops: animated GIFs and WebPs, which browsers play again and again, written and read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facemod.errors import OutputError, UsageError
from facemod.imaging.marking import Mark, packet_for
from facemod.imaging.opening import damaged, opened_image

LOOPS = (".gif", ".webp")
GIF_MAX_FPS = 50.0  # browsers slow faster ones down to 10 frames a second
_SHORTEST, _SLOWED_DOWN = 20, 100  # ms
_MAX_BYTES = 1_500_000_000
_WEBP_QUALITY = 90
_COLOURS = 255  # of 256: GIF's "same as in the last frame" needs one for itself
_PALETTE_FRAMES = 16
_PALETTE_SIDE = 64  # enough for colours, and k-means is slow
_DITHER_LEVELS = 10.0


def write_gif(
    frames: Iterable[np.ndarray],
    path: Path,
    fps: float,
    mark: Mark | None,
    durations: Sequence[int] = (),
) -> int:
    """Write a looping GIF and return the number of frames.

    ``durations`` says how many ms each frame stands, where that is not the same for all.

    All frames share one palette, and dithering is a pattern that stays in place: colours and
    grain that change from frame to frame are what makes GIFs flicker.
    """
    if fps > GIF_MAX_FPS:
        raise UsageError(f"a GIF plays at most {GIF_MAX_FPS:g} frames a second: lower --fps")
    held = _held(frames)
    palette = _shared_palette(held)
    return _save(
        (_on_palette(frame, palette) for frame in held),
        path,
        format="GIF",
        duration=durations or [10 * ticks for ticks in _durations(len(held), fps, 100)],
        comment=mark.sentence.encode("utf-8", "replace") if mark else b"",
    )


def write_webp(
    frames: Iterable[np.ndarray],
    path: Path,
    fps: float,
    mark: Mark | None,
    durations: Sequence[int] = (),
) -> int:
    """Write a looping WebP and return the number of frames; ``durations`` as for GIFs."""
    held = _held(frames)
    return _save(
        map(Image.fromarray, held),
        path,
        format="WEBP",
        duration=durations or _durations(len(held), fps, 1000),
        quality=_WEBP_QUALITY,
        xmp=packet_for(b"", mark),
    )


def _save(frames: Iterable[Image.Image], path: Path, **settings: Any) -> int:
    """Write frames that play again and again; how many there are. ``settings`` are Pillow's."""
    first, *rest = frames
    first.save(path, save_all=True, append_images=rest, loop=0, **settings)
    return 1 + len(rest)


def _held(frames: Iterable[np.ndarray]) -> list[np.ndarray]:
    """All frames at once: both encoders of Pillow keep them anyway."""
    held: list[np.ndarray] = []
    for frame in frames:
        held.append(frame)
        if len(held) * frame.nbytes > _MAX_BYTES:
            raise OutputError(
                f"too long for an animated picture ({len(held)} frames need more than "
                f"{_MAX_BYTES / 1e9:g} GB of memory): write .mp4, or lower --size or --seconds"
            )
    return held


def _durations(count: int, fps: float, ticks_per_second: int) -> list[int]:
    """Whole ticks for each frame, whose sum stays true although single ones are rounded."""
    ends = np.rint(np.arange(count + 1) * ticks_per_second / fps).astype(int)
    return [int(ticks) for ticks in np.diff(ends)]


def _shared_palette(frames: Sequence[np.ndarray]) -> Image.Image:
    picks = np.linspace(0, len(frames) - 1, min(len(frames), _PALETTE_FRAMES)).astype(int)
    samples = [_thumbnail(frames[pick]) for pick in picks]
    montage = Image.fromarray(np.vstack(samples))
    return montage.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1)


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    step = max(1, max(frame.shape[:2]) // _PALETTE_SIDE)
    return frame[::step, ::step]


def _on_palette(frame: np.ndarray, palette: Image.Image) -> Image.Image:
    grain = _bayer_matrix(frame.shape[0], frame.shape[1]) * _DITHER_LEVELS
    dithered = np.clip(np.rint(frame + grain[..., None]), 0, 255).astype(np.uint8)
    return Image.fromarray(dithered).quantize(palette=palette, dither=Image.Dither.NONE)


def _bayer_matrix(height: int, width: int) -> np.ndarray:
    """Thresholds between -0.5 and 0.5 in the 8 x 8 order of Bayer (1973), repeated."""
    matrix = np.zeros((1, 1))
    for _ in range(3):
        matrix = np.block([[4 * matrix, 4 * matrix + 2], [4 * matrix + 3, 4 * matrix + 1]])
    tiles = (-(-height // 8), -(-width // 8))
    return np.tile((matrix + 0.5) / 64 - 0.5, tiles)[:height, :width]


def loop_facts(path: Path) -> tuple[int, float, tuple[int, int]]:
    """Frames, seconds and (width, height) of an animated picture, by decoding all of it."""
    with Image.open(path) as image:
        durations = list(_frame_durations(image))
        return len(durations), sum(durations) / 1000, image.size


def is_loop(path: Path) -> bool:
    """Whether a file is an animated GIF or WebP."""
    if path.suffix.lower() not in LOOPS or not path.is_file():
        return False
    try:
        with opened_image(path) as image:
            return int(getattr(image, "n_frames", 1)) > 1
    except Exception:  # decoders raise anything at all on hostile bytes; reading says what is wrong
        return False


def loop_durations(path: Path) -> tuple[tuple[int, int], tuple[int, ...]]:
    """(width, height) and how many ms each frame stands, as browsers play it. InputError."""
    with opened_image(path) as image:
        try:
            durations = tuple(map(_as_played, _frame_durations(image)))
        except Exception as problem:  # decoders raise anything at all on hostile bytes
            raise damaged(path, problem) from problem
        return image.size, durations


def loop_frames(path: Path) -> Iterator[np.ndarray]:
    """The frames [H, W, 3] of an animated picture; transparent parts are white. InputError."""
    with opened_image(path) as image:
        try:
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                frame = image.convert("RGBA")
                white = Image.new("RGBA", frame.size, "white")
                yield np.asarray(Image.alpha_composite(white, frame).convert("RGB"))
        except (OSError, EOFError, ValueError, SyntaxError) as problem:
            raise damaged(path, problem) from problem


def _as_played(milliseconds: float) -> int:
    return _SLOWED_DOWN if milliseconds < _SHORTEST else 10 * round(milliseconds / 10)


def _frame_durations(image: Image.Image) -> Iterator[float]:
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        yield image.info.get("duration", 0)
