"""The likeness score: on people who do not exist."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from facemod.faces.align import crop_face
from facemod.faces.detect import make_detector
from facemod.files.digests import digest
from facemod.imaging.reading import open_photo
from facemod.models.wavelet.likeness import ENCODER, WEIGHTS, likeness
from facemod.tensors.pixels import to_tensor
from facemod.weights.files import load_weights

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def people() -> torch.Tensor:
    detector, _ = make_detector("embedded", "cpu")
    crops = []
    for number in (1, 2, 3, 4):
        photo = open_photo(EXAMPLES / f"portrait-{number}.jpg")
        crops.append(crop_face(photo.rgb, detector.detect(photo.rgb)[0], 256).pixels)
    return to_tensor(crops)


def test_a_picture_is_like_itself(people) -> None:
    assert likeness(people, people) == [1.0] * 4


def test_it_reads_the_encoder_that_it_was_taught_with() -> None:
    _, facts = load_weights(WEIGHTS)
    assert facts["encoder"] == digest(ENCODER.read_bytes())


def test_blurred_people_are_more_like_themselves_than_strangers(people) -> None:
    blurred = torch.nn.functional.interpolate(people, scale_factor=0.3, mode="area")
    own = likeness(people, torch.nn.functional.interpolate(blurred, (256, 256), mode="bicubic"))
    strangers = likeness(people, people.roll(1, 0))
    assert min(own) > 0.6
    assert max(strangers) < 0.6
    assert min(own) > max(strangers) + 0.15


def test_the_size_of_the_picture_hardly_matters(people) -> None:
    smaller = torch.nn.functional.interpolate(people, (128, 128), mode="area")
    assert min(likeness(people, smaller)) > 0.99
