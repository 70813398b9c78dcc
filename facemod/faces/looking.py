"""Finding faces in films: a frame is searched whole now and then, else only where faces were.

A frame is searched whole when so many were not, when a face is lost, and when the picture jumps.
Faces that nobody saw coming are followed back to where they entered, up to the last whole search.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facemod.faces.align import same_place
from facemod.faces.face import Detector, Face, Follower

# Of so many frames in a row, one or more is searched whole.
EVERY = 8
# Small pictures of two frames that differ by more, on average, of 255, are a jump.
JUMP = 25.0
SMALL = (32, 18)

Pixels = NDArray[np.uint8]
Grey = NDArray[np.float32]


@dataclass(eq=False)
class Looked:
    """What was seen of one frame."""

    frame: Pixels
    """[H, W, 3]."""
    small: Grey
    """[18, 32], in 0..255: the frame for comparisons."""
    faces: list[Face]


def looked(frames: Iterable[Pixels], detector: Detector) -> Iterator[Looked]:
    """The faces of each frame, in order and some frames late."""
    shot: list[Looked] = []
    for frame in frames:
        small = thumbnail(frame)
        if shot and jumps(shot[-1].small, small):
            yield from shot
            shot = []
        known = shot[-1].faces if shot else []
        faces = followed(detector, frame, known)
        if len(faces) < len(known) or not 0 < len(shot) < EVERY:
            faces = searched(detector, frame, faces)
            trace_back(detector, shot, faces)
            yield from shot
            shot = []
        shot.append(Looked(frame, small, faces))
    yield from shot


def followed(detector: Detector, frame: Pixels, known: Sequence[Face]) -> list[Face]:
    """Those of the faces of the frame before that were not lost; none, if nobody can tell."""
    if not isinstance(detector, Follower):
        return []
    return [face for face in detector.follow(frame, known) if face is not None]


def searched(detector: Detector, frame: Pixels, known: Sequence[Face]) -> list[Face]:
    """All faces of a frame; those that are ``known`` stay where they were followed to."""
    found = detector.detect(frame)
    new = [face for face in found if not among(face, known)]
    return [*(face for face in known if among(face, found)), *new]


def trace_back(detector: Detector, shot: Sequence[Looked], faces: Sequence[Face]) -> None:
    """Add those of ``faces``, which follow a shot, that came in during it to its frames.

    The shot began with a search of all of a frame, which is to be believed.
    """
    if not isinstance(detector, Follower):
        return
    new = list(faces)
    for seen in reversed(shot[1:]):
        new = [face for face in new if not among(face, seen.faces)]
        there = (face for face in detector.follow(seen.frame, new) if face is not None)
        new = [face for face in there if not among(face, seen.faces)]
        seen.faces = [*seen.faces, *new]


def among(face: Face, others: Sequence[Face]) -> bool:
    """Whether a face is one of the others, in this frame or the one before or after it."""
    return any(same_place(face, other) for other in others)


def thumbnail(frame: Pixels) -> Grey:
    """A small grey picture of a frame."""
    grey = Image.fromarray(frame).convert("L").resize(SMALL, Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.float32)


def jumps(before: Grey, after: Grey) -> bool:
    """Whether a picture has nothing to do with the one before it."""
    return float(np.abs(after - before).mean()) > JUMP


def cuts_of(smalls: Sequence[Grey]) -> list[int]:
    """The numbers of the frames that begin something new; flashes of one frame are none."""
    return [
        n
        for n in range(1, len(smalls))
        if all(
            jumps(before, after)
            for before in smalls[max(n - 2, 0) : n]
            for after in smalls[n : n + 2]
        )
    ]
