"""The second look of the encoder."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from facemod.models.registry import load_model
from facemod.models.wavelet.corrector import Corrector, IterativeEncoder
from facemod.models.wavelet.details import SHAPING
from facemod.models.wavelet.distances import identity_losses

FACES = 3


@pytest.fixture(scope="module")
def eyes() -> IterativeEncoder:
    return load_model().style_encoder


@pytest.fixture(scope="module")
def faces() -> Tensor:
    """Faces [N, 3, 128, 128] that the encoder has not seen."""
    model = load_model()
    drawn = torch.cat([model.decode(model.sample(1, seed=40 + i), 256) for i in range(FACES)])
    return F.interpolate(drawn, (128, 128), mode="area")


def strangeness(eyes: IterativeEncoder, styles: Tensor, faces: Tensor) -> float:
    """How far the people that styles show are from the faces, to the identity network."""
    with torch.no_grad():
        shown = eyes.viewer.draw(styles).clamp(-1, 1)
        return float(identity_losses(eyes.viewer.identity, shown, faces)[0])


def test_a_second_look_brings_the_person_closer(eyes: IterativeEncoder, faces: Tensor) -> None:
    with torch.inference_mode():
        first = eyes.encoder(faces)
        second = eyes.corrected(faces, first, eyes.person(faces))
    assert strangeness(eyes, second, faces) < 0.8 * strangeness(eyes, first, faces)


def test_slots_that_only_colour_the_face_stay(eyes: IterativeEncoder, faces: Tensor) -> None:
    with torch.inference_mode():
        first = eyes.encoder(faces)
        second = eyes(faces)
    assert torch.equal(first[:, SHAPING:], second[:, SHAPING:])
    assert (first[:, :SHAPING] != second[:, :SHAPING]).any(2).all()


def test_faces_are_read_as_if_each_were_alone(eyes: IterativeEncoder, faces: Tensor) -> None:
    with torch.inference_mode():
        together, alone = eyes(faces)[:1], eyes(faces[:1])
    assert torch.allclose(together, alone, atol=1e-3)


def test_an_untrained_corrector_changes_nothing(eyes: IterativeEncoder, faces: Tensor) -> None:
    untrained = Corrector().eval()
    untrained.begin_like(eyes.encoder)
    fresh = IterativeEncoder(eyes.encoder, untrained, eyes.viewer, eyes.features)
    with torch.inference_mode():
        assert torch.equal(fresh(faces), eyes.encoder(faces))
