"""Every stage of an edit is timed, and the edit is a real one."""

from __future__ import annotations

import time
from pathlib import Path

from fakes import SIDE, FakeDetector, FakeModel

from facemod.bench.stages import portrait, time_stages
from facemod.editing.editor import Editor


def test_all_stages_have_a_time(tmp_path: Path) -> None:
    stages = time_stages(Editor(FakeModel(), FakeDetector()), SIDE, 1, tmp_path, time.perf_counter)
    assert set(stages) == {
        "read", "find faces", "align", "encode", "decode", "transfer", "composite", "write"
    }  # fmt: skip
    assert min(stages.values()) > 0
    assert (tmp_path / "edited.jpg").read_bytes() != (tmp_path / "photo.jpg").read_bytes()


def test_the_photo_has_something_around_the_face() -> None:
    assert portrait(FakeModel(), 40).shape == (60, 60, 3)
