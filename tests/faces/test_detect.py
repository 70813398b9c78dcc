"""Which detector runs, and which of its faces are taken."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from facemod.errors import InputError, MissingExtraError, NoFaceError, UsageError
from facemod.faces import facealignment
from facemod.faces.align import crop_face
from facemod.faces.choice import choose, parse_choice
from facemod.faces.detect import WholePhotoDetector, make_detector
from facemod.faces.face import Face


def faces(*sides: float) -> list[Face]:
    """Faces whose landmarks span ``sides``, from left to right."""
    shape = np.array([[0.0, 0], [1, 0], [0.5, 0.5], [0.2, 1], [0.8, 1]])
    return [
        Face(i, (0, 0, 1, 1), shape * side + 100 * i, score=1.0, verify=9.0, backend="none")
        for i, side in enumerate(sides, start=1)
    ]


def indices(chosen: list[Face]) -> list[int]:
    return [face.index for face in chosen]


def test_choosing():
    group = faces(10, 30, 20)
    assert indices(choose(group, "all")) == [1, 2, 3]
    assert indices(choose(group, "largest")) == [2]
    assert indices(choose(group, "3")) == [3]
    assert indices(choose(group, "3, 1,3")) == [1, 3]


@pytest.mark.parametrize("nonsense", ["", "biggest", "1,", "0", "-1", "1-3", "1;2", "²", "1.5"])
def test_nonsense_is_a_usage_error(nonsense):
    with pytest.raises(UsageError, match="all, largest, or numbers"):
        parse_choice(nonsense)
    with pytest.raises(UsageError):
        choose([], nonsense)


def test_a_missing_face_says_how_many_there_are():
    with pytest.raises(NoFaceError, match="no face 3, the photo has 2 faces"):
        choose(faces(10, 20), "1,3")
    with pytest.raises(NoFaceError, match=r"the photo has 1 face$"):
        choose(faces(10), "2")
    for which in ("all", "largest", "1"):
        with pytest.raises(NoFaceError, match="no face was found"):
            choose([], which)


def test_a_whole_photo_is_its_own_crop(noise):
    photo = noise(160, 160)
    (face,) = WholePhotoDetector().detect(photo)
    assert face.roll == pytest.approx(0)
    assert np.array_equal(crop_face(photo, face, 160).pixels, photo)


def test_a_photo_that_is_not_square_is_no_aligned_face(noise):
    with pytest.raises(InputError, match=r"90 x 100 px.*--aligner auto"):
        WholePhotoDetector().detect(noise(100, 90))


def test_every_aligner_by_name():
    assert make_detector("none")[0].name == "none"
    assert make_detector("embedded")[0].name == "embedded"
    with pytest.raises(UsageError, match=r"'dlib'.*face-alignment"):
        make_detector("dlib")


@pytest.fixture
def no_face_alignment(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints" / "2DFAN4-11f355bf06.pth.tar"


def pretend_installed(monkeypatch):
    monkeypatch.setattr(facealignment.importlib.util, "find_spec", lambda name: object())


def test_auto_falls_back_and_says_why(no_face_alignment, monkeypatch):
    monkeypatch.setattr(facealignment.importlib.util, "find_spec", lambda name: None)
    detector, reason = make_detector("auto")
    assert detector.name == "embedded"
    assert "not installed" in reason
    pretend_installed(monkeypatch)
    detector, reason = make_detector("auto")
    assert detector.name == "embedded"
    assert str(no_face_alignment) in reason


def test_asking_for_face_alignment_without_it_names_the_path(no_face_alignment, monkeypatch):
    for spec in (None, object()):
        monkeypatch.setattr(facealignment.importlib.util, "find_spec", lambda name, s=spec: s)
        with pytest.raises(MissingExtraError) as caught:
            make_detector("face-alignment")
        assert str(no_face_alignment) in str(caught.value)
        assert "--aligner embedded" in str(caught.value)


def test_damaged_weights_are_not_used(no_face_alignment, monkeypatch):
    pretend_installed(monkeypatch)
    no_face_alignment.parent.mkdir(parents=True)
    no_face_alignment.write_bytes(b"half a download")
    usable, reason = facealignment.available()
    assert not usable
    assert "sha256" in reason and str(no_face_alignment) in reason


def test_choosing_imports_no_torch():
    script = "import facemod.faces.detect, sys; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment).returncode == 0
