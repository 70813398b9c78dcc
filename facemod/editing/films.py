"""Films in: every face is tracked, smoothed over time, edited in every frame, and put back.

Two passes over the film. The first finds faces and joins them to tracks. The second edits
segments of some frames and writes each as a film of its own, so that a run that was killed goes
on with the segment it was at; at the end segments are joined, with the sound of the original.

Encoded by itself, every frame gets a slightly other code, and the edit flickers. Codes are
averaged over neighbouring frames, as landmarks are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facemod.editing.corridor import composite
from facemod.editing.editor import Editor, EncodedFace
from facemod.editing.treatments import Retouch
from facemod.errors import NoFaceError
from facemod.faces import tracks
from facemod.faces.choice import parse_choice
from facemod.faces.tracks import Track
from facemod.files.atomic import write_bytes
from facemod.imaging.clips import Clip, finish, frames_of, segments, write_part
from facemod.imaging.photo import Photo, Source
from facemod.latent.codes import Codes, concatenate

SEGMENT = 24  # frames
SIGMA = 2.0  # of the averaging of codes, in frames
REACH = 5  # frames that it looks ahead and back
NO_SOURCE = Source(Path(), "PNG", "RGB")
GAP = 0.4  # seconds for which a face may be missed

Pixels = NDArray[np.uint8]
Progress = Callable[[str, int, int], None]
"""Takes what is being done, the number of all frames, about, and of those that are done."""


@dataclass(frozen=True)
class Filming:
    """How a film is edited."""

    editor: Editor
    retouch: Retouch
    faces: str = "all"
    sigma: float = SIGMA
    """0 edits every frame by itself."""

    def run(
        self, clip: Clip, target: Path, parts: Path, *,
        overwrite: bool, progress: Progress,
    ) -> tuple[int, int, int]:  # fmt: skip
        """Edit a film; the numbers of frames, of those with a face, and of faces.

        ``parts`` is a folder for what is finished; a later run with the same goes on from there.

        Raises:
            NoFaceError: no frame shows a face, or not one that was asked for.
            InputError, OutputError: reading or writing fails.
        """
        if self.retouch.asked:
            self.retouch.asked.check(clip.size)
        parts.mkdir(parents=True, exist_ok=True)
        count, found = self._tracked(clip, parts, progress)
        chosen = chosen_tracks(found, self.faces)
        written = []
        for first, frames in segments(clip, count, length=SEGMENT, reach=REACH):
            part, end = parts / f"{first:08d}{clip.part}", min(first + SEGMENT, count)
            written.append(part)
            if not part.exists():
                edited = self.edited(frames, first, end, chosen)
                told = partial(progress, "editing", clip.frames)
                write_part(edited, part, clip, told, first)
            progress("editing", clip.frames, end)
        finish(written, clip, target, mark=self.retouch.mark, overwrite=overwrite)
        shutil.rmtree(parts)
        shown = {n for track in chosen.values() for n in track.seen}
        return count, len(shown), len(chosen)

    def _tracked(self, clip: Clip, parts: Path, progress: Progress) -> tuple[int, list[Track]]:
        """The number of frames and the smoothed tracks, remembered in ``parts``."""
        memory = parts / "faces.json"
        if memory.exists():
            frames = json.loads(memory.read_text())
        else:
            frames = []
            for n, frame in enumerate(frames_of(clip)):
                frames.append([f.landmarks.tolist() for f in self.editor.detector.detect(frame)])
                progress("finding faces", clip.frames, n + 1)
            write_bytes(json.dumps(frames).encode(), memory, overwrite=True)
        arrays = [[np.array(points) for points in faces] for faces in frames]
        found = tracks.tracks_of(arrays, gap=round(GAP * clip.fps))
        return len(frames), [tracks.smoothed(track, self.sigma) for track in found]

    def edited(
        self, frames: dict[int, Pixels], first: int, end: int, chosen: dict[int, Track]
    ) -> Iterator[Pixels]:
        """The frames from ``first`` to ``end``; ``frames`` also holds some around them."""
        encoded = {
            number: {
                n: self._encoded(frame, track, number, n)
                for n, frame in frames.items()
                if n in track.seen
            }
            for number, track in chosen.items()
        }
        for n in range(first, end):
            rgb = frames[n].copy()
            for faces in encoded.values():
                if n in faces:
                    self._edit_into(rgb, faces, n)
            yield rgb

    def _encoded(self, frame: Pixels, track: Track, number: int, n: int) -> EncodedFace:
        face = tracks.face_at(track, number, n)
        crop = self.editor.align(Photo(frame, None, NO_SOURCE), face)
        return self.editor.encode([crop])[0]

    def _edit_into(self, rgb: Pixels, faces: dict[int, EncodedFace], n: int) -> None:
        near = [m for m in faces if abs(m - n) <= REACH]
        steady = averaged([faces[m].codes for m in near], [m - n for m in near], self.sigma)
        face = replace(faces[n], codes=steady)
        [edited] = self.retouch.redrawn([face])
        composite(rgb, edited, transfers=self.retouch.transfers)


def averaged(codes: list[Codes], offsets: list[int], sigma: float) -> Codes:
    """The codes of one face in neighbouring frames as one, weighted by a Gaussian."""
    if sigma == 0:
        return codes[offsets.index(0)]
    weights = torch.exp(-0.5 * (torch.tensor(offsets).float() / sigma).square())
    weights /= weights.sum()
    together = concatenate(codes)

    def mean(values: torch.Tensor) -> torch.Tensor:
        shape = (-1, *[1] * (values.ndim - 1))
        return (values * weights.to(values).reshape(shape)).sum(0, keepdim=True)

    details = tuple(entry.each(mean) for entry in together.details)
    return replace(together, styles=mean(together.styles), details=details)


def chosen_tracks(found: list[Track], which: str) -> dict[int, Track]:
    """The tracks that ``--faces`` asks for, by number; NoFaceError if there are none."""
    numbered = dict(enumerate(found, start=1))
    if not numbered:
        raise NoFaceError("no face was found in any frame")
    choice = parse_choice(which)
    if choice == "all":
        return numbered
    if choice == "largest":
        best = max(numbered, key=lambda i: numbered[i].size * len(numbered[i].seen))
        return {best: numbered[best]}
    for number in choice:
        if number not in numbered:
            raise NoFaceError(f"--faces {which}: the film shows {len(found)} faces over time")
    return {number: numbered[number] for number in choice}
