"""Fitting the styles that shape a face, with few steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from facemod.errors import StoppedError
from facemod.models.registry import load_model
from facemod.models.wavelet import styling
from facemod.models.wavelet.details import SHAPING
from facemod.models.wavelet.styling import StyleFitter

STEPS = 8


def nothing() -> None:
    """Let the fit go on."""


@pytest.fixture(scope="module")
def fitter() -> StyleFitter:
    return load_model().style_fitter


@pytest.fixture(scope="module")
def styles() -> Tensor:
    """Those of two faces."""
    return load_model().sample(2, seed=5).styles.clone()


@pytest.fixture(scope="module")
def faces(styles: Tensor) -> Tensor:
    """Two other faces, larger than the preview."""
    model = load_model()
    return model.decode(model.sample(2, seed=8), 256).clone()


def test_the_preview_shows_what_the_decoder_does(fitter: StyleFitter, styles: Tensor) -> None:
    small = torch.nn.functional.interpolate(
        load_model().decode(load_model().sample(2, seed=5), 256), (128, 128), mode="area"
    )
    with torch.no_grad():
        error = (fitter.viewer.draw(styles).clamp(-1, 1) - small).square().mean((1, 2, 3))
    assert (10 * torch.log10(4 / error) > 18).all()


def test_a_fit_comes_closer_by_the_early_slots_alone(
    fitter: StyleFitter, styles: Tensor, faces: Tensor
) -> None:
    fitted = fitter.fit(faces, styles, STEPS, nothing)
    small = torch.nn.functional.interpolate(faces, (128, 128), mode="area")
    goal = styling.Goal.of(small)
    with torch.no_grad():
        before, after = (
            goal.distance(fitter.viewer, fitter.viewer.draw(s)) for s in (styles, fitted)
        )
    assert after < 0.8 * before
    assert torch.equal(fitted[:, SHAPING:], styles[:, SHAPING:])


def test_faces_are_fitted_as_if_each_were_alone(
    fitter: StyleFitter, styles: Tensor, faces: Tensor
) -> None:
    together = fitter.fit(faces, styles, 3, nothing)
    alone = fitter.fit(faces[:1], styles[:1], 3, nothing)
    moved = (alone - styles[:1]).norm()
    assert (together[:1] - alone).norm() < 0.2 * moved


def test_a_fit_ends_between_two_steps_when_asked(
    fitter: StyleFitter, styles: Tensor, faces: Tensor
) -> None:
    taken = []

    def stepped() -> None:
        taken.append(1)
        if len(taken) == 2:
            raise StoppedError("enough")

    with pytest.raises(StoppedError):
        fitter.fit(faces[:1], styles[:1], STEPS, stepped)
    assert len(taken) == 2


def test_eyes_and_mouth_count_most() -> None:
    weights = styling.face_weights(128)[0, 0]
    mouth, eye, forehead, corner = (
        weights[int(128 * y), int(128 * x)]
        for x, y in ((0.5, 0.745), (0.38, 0.475), (0.5, 0.35), (0.02, 0.02))
    )
    assert min(mouth, eye) > 1.5 * forehead > corner
