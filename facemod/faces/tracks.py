"""Faces over time: detections of single frames become tracks, without gaps and without jitter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facemod.faces.face import Face

# A face may move by so many of its eye distances from one frame to the next.
REACH = 0.8
SHORTEST = 3  # frames
SIGMA = 2.0  # of smoothing, in frames

Landmarks = NDArray[np.float64]


@dataclass
class Track:
    """One face: its landmarks [5, 2] by frame."""

    seen: dict[int, Landmarks] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """The last frame with the face."""
        return max(self.seen)

    @property
    def size(self) -> float:
        """The mean distance between the eyes, in px."""
        return float(np.mean([eye_distance(points) for points in self.seen.values()]))


def eye_distance(points: Landmarks) -> float:
    """The distance between the eyes of landmarks [5, 2]."""
    return float(np.hypot(*(points[1] - points[0])))


def tracks_of(
    frames: Sequence[Sequence[Landmarks]], gap: int, cuts: Sequence[int] = ()
) -> list[Track]:
    """Join the faces of all frames to tracks, left to right by their first frame.

    A face that is missed in at most ``gap`` frames goes on as the same track, but not beyond the
    frames with which something new begins.
    """
    tracks: list[Track] = []
    for n, faces in enumerate(frames):
        since = max(max((cut for cut in cuts if cut <= n), default=0), n - gap - 1)
        open_tracks = [track for track in tracks if track.last >= since]
        pairs = sorted(
            (_distance(track.seen[track.last], points) / (n - track.last), i, j)
            for i, track in enumerate(open_tracks)
            for j, points in enumerate(faces)
        )
        taken: set[int] = set()
        used: set[int] = set()
        for distance, i, j in pairs:
            if distance < REACH and i not in used and j not in taken:
                open_tracks[i].seen[n] = faces[j]
                used.add(i)
                taken.add(j)
        tracks += [Track({n: faces[j]}) for j in range(len(faces)) if j not in taken]
    long = [track for track in tracks if len(track.seen) >= min(SHORTEST, len(frames))]
    return sorted(long, key=lambda track: float(track.seen[min(track.seen)][:, 0].mean()))


def _distance(a: Landmarks, b: Landmarks) -> float:
    return float(np.hypot(*(a - b).mean(0))) / max(eye_distance(a), 1e-6)


def smoothed(track: Track, sigma: float = SIGMA) -> Track:
    """The track with missing frames filled in and landmarks low-passed over time (not for sigma 0).

    The filter looks as far ahead as back, so that a face that moves evenly is not late.
    """
    first, last = min(track.seen), track.last
    known = sorted(track.seen)
    values = np.stack([track.seen[n] for n in known]).reshape(len(known), -1)
    times = np.arange(first, last + 1)
    filled = np.stack([np.interp(times, known, column) for column in values.T], axis=1)
    reach = min(round(3 * sigma), len(times) - 1)
    # Mirrored through its end points a straight walk stays a straight walk.
    padded = np.concatenate((
        2 * filled[:1] - filled[reach:0:-1], filled, 2 * filled[-1:] - filled[-2 : -reach - 2 : -1],
    ))  # fmt: skip
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-9)) ** 2)
    smooth = [np.convolve(column, weights / weights.sum(), "valid") for column in padded.T]
    return Track(
        {int(n): row.reshape(5, 2) for n, row in zip(times, np.stack(smooth, 1), strict=True)}
    )


def face_at(track: Track, number: int, frame: int) -> Face:
    """The face of a track in one frame, as number ``number`` of the film."""
    points = track.seen[frame]
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return Face(number, (left, top, right, bottom), points, 1.0, 0.0, "track")
