"""Remembered fits: found again, bounded, and never in the way."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import FakeModel, FittingFake

from facemod.errors import UsageError
from facemod.fidelity.fitting import fitted
from facemod.fidelity.store import FitStore, key_of
from facemod.latent.codes import Codes
from facemod.models.base import Effort

PIXELS = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
IMAGE = torch.from_numpy(PIXELS.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


@pytest.fixture
def store(tmp_path: Path) -> FitStore:
    return FitStore(tmp_path / "fits")


def fit(model: FakeModel, store: FitStore, effort: Effort = Effort.ADAPT, pixels=PIXELS) -> Codes:
    return fitted(model, IMAGE, [pixels], model.encode(IMAGE), effort, store)[0]


def test_the_second_fit_of_a_face_is_the_first_one(store: FitStore) -> None:
    model = FittingFake()
    first, second = fit(model, store), fit(model, store)
    assert model.fits == [Effort.ADAPT]
    assert torch.equal(first.details[0].fitted, second.details[0].fitted)
    assert torch.allclose(first.styles, second.styles, atol=1e-3)


def test_another_face_effort_or_model_needs_another_fit(store: FitStore) -> None:
    model, other = FittingFake(), FittingFake()
    other.fingerprint = "other weights"
    fit(model, store)
    fit(model, store, Effort.REFINE)
    fit(model, store, pixels=PIXELS[::-1])
    fit(other, store)
    assert len(model.fits) == 3
    assert len(other.fits) == 1
    assert store.usage().fits == 4


def test_only_faces_that_are_new_are_fitted_again(store: FitStore) -> None:
    model = FittingFake()
    fit(model, store)
    images, pixels = torch.cat((IMAGE.flip(3), IMAGE)), [PIXELS[:, ::-1], PIXELS]
    codes = model.encode(images)
    for _ in range(2):
        both = fitted(model, images, pixels, codes, Effort.ADAPT, store)
        assert len(model.fits) == 2
        assert torch.allclose(torch.cat([fit.styles for fit in both]), codes.styles, atol=1e-3)


def test_models_that_cannot_be_fitted_say_so(store: FitStore) -> None:
    with pytest.raises(UsageError, match=r"wavelet model cannot be fitted.*--fidelity transfer"):
        fit(FakeModel(), store)


def test_the_least_recently_used_go_first(store: FitStore) -> None:
    model = FittingFake()
    fit(model, store)
    one = store.usage().bytes
    small = replace(store, limit=int(2.5 * one))
    keys = [key_of(PIXELS + i, "fake", Effort.ADAPT) for i in range(3)]
    codes = model.fit(IMAGE, model.encode(IMAGE), Effort.ADAPT)
    store.clear()
    for age, key in zip((30, 20, 10), keys, strict=True):
        small.keep(key, codes)
        path = small.folder / f"{key}.safetensors"
        if path.exists():
            os.utime(path, (path.stat().st_mtime - age,) * 2)
    assert [small.find(key, codes) is not None for key in keys] == [False, True, True]
    assert small.usage().bytes <= small.limit


def test_a_damaged_fit_is_made_again(store: FitStore) -> None:
    model = FittingFake()
    fit(model, store)
    (file,) = store.folder.iterdir()
    file.write_bytes(b"rubbish")
    assert fit(model, store).details[0].fitted is not None
    assert len(model.fits) == 2


def test_a_cache_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert fit(FittingFake(), FitStore(tmp_path / "file" / "fits")).details[0].fitted is not None


def test_clearing_tells_what_was_there(store: FitStore) -> None:
    fit(FittingFake(), store)
    assert store.clear().fits == 1
    assert store.usage().fits == 0
