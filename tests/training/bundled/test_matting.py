"""Photos with exact outlines, and the head that learns to see them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from facemod.models.wavelet.matting import BLOCKS_READ
from facemod.models.wavelet.model import load
from facemod.training.bundled.backgrounds import background
from facemod.training.bundled.matting import (
    OUTLINES,
    Example,
    Samples,
    composed,
    fit_matting,
    moved,
    outlined_samples,
    overlap,
)
from facemod.training.settings import MattingOptions
from facemod.weights.files import load_weights

SIDE = 64


@pytest.fixture(scope="module")
def model():
    return load()


def person() -> tuple[torch.Tensor, torch.Tensor]:
    """A bright person before a dark wall, [1, 3, SIDE, SIDE], and the outline."""
    outline = torch.zeros(1, 2, SIDE, SIDE)
    outline[:, 0, 20:, 22:40] = 1
    outline[:, 1] = 1
    return outline[:, :1].expand(1, 3, SIDE, SIDE) * 1.4 - 0.7, outline


def test_the_outlines_are_those_of_the_samples(model):
    """The shipped head sees in samples what is written down of them."""
    samples = outlined_samples(model, 2)
    assert samples.pictures.shape == (2, 3, 256, 256)
    with torch.inference_mode():
        features = model.painter.features(samples.styles, BLOCKS_READ)
    shown = [Example(features[i, None], samples.outlines[i, None]) for i in range(2)]
    assert overlap(model.matting, shown) > 0.9
    swapped = [
        one._replace(outline=other.outline) for one, other in zip(shown, shown[::-1], strict=True)
    ]
    assert overlap(model.matting, swapped) < 0.9


def test_most_of_each_outline_is_known():
    with np.load(OUTLINES) as file:
        known = np.unpackbits(file["known"], axis=-1)
        assert len(known) == len(file["samples"]) == len(file["truncation"]) == len(file["person"])
    assert known.mean(axis=(1, 2)).min() > 0.5


@pytest.mark.parametrize("seed", range(4))
def test_pictures_and_outlines_move_together(seed):
    picture, outline = moved(*person(), np.random.default_rng(seed))
    bright = (picture[:, :1] > 0).float()
    assert (bright != outline[:, :1]).float().mean() < 0.02


def test_a_person_is_put_before_another_background():
    picture, outline = (x.clone() for x in person())
    large = F.interpolate(picture, (256, 256))
    samples = Samples(torch.zeros(1, 16, 512), large, outline)
    photo, shown = composed(samples, 0, np.random.default_rng(0))
    mask = F.interpolate(shown[:, :1], (256, 256)) > 0.5
    inside, outside = (F.avg_pool2d(m.float(), 15, 1, 7) > 0.99 for m in (mask, ~mask))
    spread = [photo[m.expand_as(photo)].view(3, -1).std(1).max() for m in (inside, outside)]
    assert spread[0] < 0.05 < spread[1]


def test_backgrounds_differ_and_stay_within_the_range():
    other, rng = torch.rand(1, 3, SIDE, SIDE) * 2 - 1, np.random.default_rng(0)
    made = torch.cat([background(other, rng) for _ in range(12)])
    assert made.shape == (12, 3, SIDE, SIDE)
    assert made.abs().max() <= 1
    assert made.mean((2, 3)).std(0).min() > 0.1


def test_the_weight_file_holds_the_head(tmp_path, model):
    told: list[str] = []
    target = tmp_path / "matting.safetensors"
    options = MattingOptions(samples=3, pictures=2, steps=1, memory=2, report=1)
    fit_matting(target, options, told.append)
    assert set(load_weights(target)[0]) == set(model.matting.state_dict())
    assert [line.split(":")[0] for line in told] == ["1 pictures", "2 pictures"]
