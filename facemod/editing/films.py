"""Films in: every face is tracked, smoothed over time, edited in every frame, and put back.

Two passes over the film. The first finds faces and joins them to tracks. The second edits
segments of some frames and writes each as a film of its own, so that a run that was killed goes
on with the segment it was at; at the end segments are joined, with the sound of the original.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facemod.editing.corridor import composite
from facemod.editing.editor import Editor
from facemod.editing.roles import REACH, Role
from facemod.editing.treatments import Retouch
from facemod.errors import NoFaceError
from facemod.faces import tracks
from facemod.faces.choice import parse_choice
from facemod.faces.looking import cuts_of, looked
from facemod.faces.tracks import Track
from facemod.files.atomic import write_bytes
from facemod.imaging.clips import Clip, finish, frames_of, segments, write_part

SEGMENT = 24  # frames
SIGMA = 2.0  # of the averaging of codes, in frames
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
        roles = [Role(self.editor, i, track, self.sigma) for i, track in chosen.items()]
        written = []
        for first, frames in segments(clip, count, length=SEGMENT, reach=REACH):
            part, end = parts / f"{first:08d}{clip.part}", min(first + SEGMENT, count)
            written.append(part)
            if not part.exists():
                edited = self.edited(frames, first, end, roles)
                told = partial(progress, "editing", clip.frames)
                write_part(edited, part, clip, told, first)
            progress("editing", clip.frames, end)
        finish(written, clip, target, mark=self.retouch.mark, overwrite=overwrite)
        shutil.rmtree(parts)
        shown = {n for track in chosen.values() for n in track.seen}
        return count, len(shown), len(chosen)

    def _tracked(self, clip: Clip, parts: Path, progress: Progress) -> tuple[int, list[Track]]:
        """The number of frames and the smoothed tracks, remembered in ``parts``."""
        memory = parts / "looks.json"
        if not memory.exists():
            landmarks, smalls = [], []
            for n, seen in enumerate(looked(frames_of(clip), self.editor.detector)):
                landmarks.append([face.landmarks.tolist() for face in seen.faces])
                smalls.append(seen.small)
                progress("finding faces", clip.frames, n + 1)
            known = {"landmarks": landmarks, "cuts": cuts_of(smalls)}
            write_bytes(json.dumps(known).encode(), memory, overwrite=True)
        known = json.loads(memory.read_text())
        arrays = [[np.array(points) for points in faces] for faces in known["landmarks"]]
        found = tracks.tracks_of(arrays, round(GAP * clip.fps), known["cuts"])
        return len(arrays), [tracks.smoothed(track, self.sigma) for track in found]

    def edited(
        self, frames: dict[int, Pixels], first: int, end: int, roles: Sequence[Role]
    ) -> Iterator[Pixels]:
        """The frames from ``first`` to ``end``; ``frames`` also holds some around them."""
        shown = []
        for role in roles:
            role.see(frames)
            there = [n for n in range(first, end) if n in role.crops]
            faces = self.retouch.filmed([role.steady(n) for n in there])
            shown.append((there, faces))
        for n in range(first, end):
            rgb = frames[n].copy()
            for there, faces in shown:
                if n in there:
                    composite(rgb, next(faces), transfers=self.retouch.transfers)
            yield rgb


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
