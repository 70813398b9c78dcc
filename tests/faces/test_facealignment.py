"""The face-alignment backend on its real code, with weights that see colours instead of faces.

The published weights cannot travel with the tests. A state dict of the same shape, all zeros
except for one colour detector per landmark group, goes through the package's own constructor,
loader, crop, network and heat map decoder, and through our view and mapping back.
"""

from __future__ import annotations

import hashlib
import importlib.util

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from facemod.faces import affine, facealignment
from facemod.faces.face import Face

# Colour, place (in sides of the face), and the points of the 68 that it stands for.
DOTS = {
    (255, 0, 0): ((-0.2, -0.15), range(36, 42)),
    (0, 255, 0): ((0.2, -0.15), range(42, 48)),
    (0, 0, 255): ((0.0, 0.05), [30]),
    (255, 255, 0): ((-0.15, 0.22), [48]),
    (0, 255, 255): ((0.15, 0.22), [54]),
}
PLACES = np.array([place for place, _ in DOTS.values()])


def colour_network() -> dict[str, torch.Tensor]:
    """A state dict of the package's network whose heat maps fire on the colours of DOTS."""
    network = facealignment.import_package().models.FAN(4)
    state = {name: torch.zeros_like(t) for name, t in network.state_dict().items()}
    for name, tensor in state.items():
        is_scale = "bn" in name and name.endswith("weight") and tensor.ndim == 1
        if is_scale or name.endswith(("running_var", "downsample.0.weight")):
            tensor.fill_(1)
    sees = torch.tensor(
        [[1, -0.9, -0.9], [-0.9, 1, -0.9], [-0.9, -0.9, 1], [0.9, 0.9, -1.8], [-1.8, 0.9, 0.9]]
    )
    state["conv1.weight"][:5, :, 3, 3] = sees
    state["conv1.bias"][:5] = torch.tensor([-0.05, -0.05, -0.05, -0.95, -0.95])
    diagonal = torch.eye(5)
    for block in ("conv2", "conv4"):
        state[f"{block}.downsample.2.weight"][:5, :5, 0, 0] = diagonal
    for stack in range(4):
        state[f"conv_last{stack}.weight"][:5, :5, 0, 0] = diagonal
        for channel, (_, points) in enumerate(DOTS.values()):
            state[f"l{stack}.weight"][list(points), channel, 0, 0] = 1
    return state


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    if importlib.util.find_spec("face_alignment") is None:
        pytest.skip("the package face-alignment is not installed")
    path = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints" / facealignment.WEIGHTS
    path.parent.mkdir(parents=True)
    torch.save(colour_network(), path)
    return path


@pytest.fixture
def installed(weights, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(weights.parents[2]))
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    monkeypatch.setattr(facealignment, "SHA256_PREFIX", digest[:10])


class Finder:
    """A detector that knows the five points roughly."""

    name = "rough"

    def __init__(self, landmarks: np.ndarray) -> None:
        self.landmarks = landmarks

    def detect(self, rgb: np.ndarray) -> list[Face]:
        return [Face(1, (0, 0, 1, 1), self.landmarks, score=0.9, verify=8.0, backend="rough")]


def dotted_face(side: int, roll: float) -> tuple[np.ndarray, np.ndarray]:
    """A photo with a face of coloured dots, drawn four times too large, and where they are."""
    canvas = round(side * 2.6)
    to_photo = affine.square(np.full(2, (canvas - 1) / 2), roll, side, 1)
    points = affine.apply(to_photo, PLACES)
    drawn = Image.new("RGB", (4 * canvas, 4 * canvas), (128, 128, 128))
    radius = 4 * max(1.5, side / 24)
    for (x, y), colour in zip((points + 0.5) * 4 - 0.5, DOTS, strict=True):
        ImageDraw.Draw(drawn).ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    return np.asarray(drawn.resize((canvas, canvas), Image.Resampling.BOX)), points


@pytest.mark.parametrize(("side", "roll"), [(30, 0), (120, 35), (400, 90), (1500, 180)])
def test_landmarks_of_a_face_of_dots(side, roll, installed):
    photo, points = dotted_face(side, roll)
    between_eyes = 0.4 * side
    rough = points + between_eyes * 0.1 * np.array([[1, 0], [-1, 1], [0, 1], [1, 0], [0, -1]])
    detector = facealignment.FaceAlignmentDetector("cpu", Finder(rough))
    detector._package.flip_input = False  # colours, unlike faces, mean another thing mirrored
    (face,) = detector.detect(photo)
    assert face.backend == "face-alignment"
    assert (face.index, face.verify) == (1, 8.0)
    # One cell of the network's 64 px heat map is 10 % of the distance between these eyes.
    assert np.hypot(*(face.landmarks - points).T).max() < 0.07 * between_eyes


def test_it_is_built_without_compiling_or_a_detector(installed, monkeypatch):
    package = facealignment.import_package()
    asked = {}
    monkeypatch.setattr(package, "FaceAlignment", lambda *_, **options: asked.update(options))
    facealignment.FaceAlignmentDetector("cpu", Finder(PLACES))
    assert asked["compile"] is False
    assert asked["face_detector"] == "folder"


def test_auto_takes_it_when_everything_is_there(installed):
    from facemod.faces.detect import make_detector

    detector, reason = make_detector("auto")
    assert detector.name == "face-alignment"
    assert facealignment.WEIGHTS in reason
