"""Fitting the bundled model to one picture, with few steps."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from facemod.errors import StoppedError
from facemod.fidelity.store import as_codes, as_tensors
from facemod.latent.codes import Codes, Scale, concatenate
from facemod.models.base import Effort, FittingModel
from facemod.models.registry import load_model
from facemod.models.wavelet import fitting
from facemod.models.wavelet.model import WaveletModel

BRIEF = {
    Effort.REFINE: fitting.Budget(4, fine=False, styling=3),
    Effort.ADAPT: fitting.Budget(16, fine=True, styling=3),
}


@pytest.fixture(scope="module")
def model() -> WaveletModel:
    model = load_model()
    assert isinstance(model, FittingModel)
    return model


@pytest.fixture(scope="module")
def image(model: WaveletModel) -> torch.Tensor:
    """A face with something that no face has."""
    image = model.decode(model.sample(1, seed=3)).clone()
    image[..., 560:600, 480:540] = torch.tensor([0.9, -0.9, 0.2])[:, None, None]
    return image


@pytest.fixture(scope="module")
def fits(model: WaveletModel, image: torch.Tensor) -> dict[Effort | None, Codes]:
    """The encoder's codes, and those that either effort makes of them."""
    codes = model.encode(image)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "BUDGETS", BRIEF)
        patch.setattr(fitting, "WARMUP", 1)
        patch.setattr(fitting, "draw_window", lambda rng: fitting.Window(30, 24))
        return {None: codes, **{effort: model.fit(image, codes, effort) for effort in Effort}}


def watched(seen: list[int], step: int, steps: int) -> None:
    seen.append(step)


def error(picture: torch.Tensor, image: torch.Tensor) -> float:
    return float((picture - image)[..., 540:620, 460:560].square().mean())


def test_more_effort_comes_closer(model, image, fits) -> None:
    errors = [error(model.decode(fits[effort]), image) for effort in (None, *Effort)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.8 * errors[0]


def test_all_slots_are_fitted_and_details_know_the_styles(fits) -> None:
    before, fit = fits[None].styles, fits[Effort.ADAPT]
    moved = (fit.styles - before).abs().amax(2)[0]
    assert (moved > 1e-2).all()
    assert torch.equal(fit.details[0].styles, fit.styles)


def test_details_of_fitted_styles_give_way_sooner_also_from_the_store(fits) -> None:
    fit = fits[Effort.REFINE]
    stored = as_codes(as_tensors(fit), fits[None])
    for codes in (fit, stored):
        assert (codes.details[0].yielding > fits[None].details[0].yielding).all()


def test_every_step_is_seen_and_may_end_the_fit(model, image, fits) -> None:
    seen = []

    def watch(step: int, steps: int) -> None:
        seen.append((step, steps))
        if step == 4:
            raise StoppedError("enough")

    with pytest.MonkeyPatch.context() as patch, pytest.raises(StoppedError):
        patch.setattr(fitting, "BUDGETS", BRIEF)
        model.fit(image, fits[None], Effort.REFINE, watch)
    assert seen == [(1, 7), (2, 7), (3, 7), (4, 7)]


def test_faces_are_fitted_together_as_alone_each_until_it_no_longer_pays(
    model, image, fits, monkeypatch
) -> None:
    """The second photo is what its codes show already, so its fit ends at once."""
    monkeypatch.setattr(fitting, "BUDGETS", {Effort.REFINE: fitting.Budget(3, False, styling=0)})
    for name, value in {"PROBE_EVERY": 1, "PATIENCE": 1, "WARMUP": 1}.items():
        monkeypatch.setattr(fitting, name, value)
    codes = fits[None]
    images = torch.cat((image, model.decode(codes)))
    together = model.fit(images, concatenate([codes, codes]), Effort.REFINE)
    took = []
    for i in range(2):
        steps: list[int] = []
        watch = partial(watched, steps)
        alone = model.fit(images[i : i + 1], codes, Effort.REFINE, watch)
        apart = (model.decode(together[i]) - model.decode(alone)).abs()
        assert apart.mean() < 2e-3
        took.append(len(steps))
    assert took[0] > took[1] == 1


def test_a_stored_fit_gives_the_same_picture_and_is_small(model, fits) -> None:
    adapted = fits[Effort.ADAPT]
    tensors = {name: tensor.half() for name, tensor in as_tensors(adapted).items()}
    assert sum(tensor.numel() * 2 for tensor in tensors.values()) <= 2 << 20
    again = as_codes({name: t.float() for name, t in tensors.items()}, fits[None])
    assert torch.equal(model.decode(adapted), model.decode(again))


def test_fits_batch_with_faces_that_have_none(model, fits) -> None:
    together = model.decode(concatenate([fits[None], fits[Effort.ADAPT]]))
    for picture, effort in zip(together, (None, Effort.ADAPT), strict=True):
        assert torch.allclose(picture, model.decode(fits[effort])[0], atol=1e-4)


def test_the_fine_residual_gives_way_where_the_face_is_another(model, fits) -> None:
    adapted = fits[Effort.ADAPT]
    other = model.sample(1, seed=9)
    before, after = (model.decoder.features(c.styles, 4) for c in (adapted, other))
    whole, usual, sooner = (
        fitting.fine_residual(adapted.details[0].fitted, before, now, torch.tensor([yielding]))
        for now, yielding in ((before, 1.0), (after, 1.0), (after, 2.0))
    )
    assert usual.norm() < 0.9 * whole.norm()
    assert sooner.norm() < usual.norm()


def test_a_fit_leaves_with_the_face_when_most_of_it_is_another(model, fits) -> None:
    other = model.sample(1, seed=9)
    slots = [*other.slots(Scale.COARSE), *other.slots(Scale.MID)]
    assert fits[Effort.ADAPT].with_slots(slots, other).details == ()
