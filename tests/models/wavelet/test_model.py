"""The bundled family: networks, slots and the seam to the rest of the house."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facemod.errors import ModelError, UsageError
from facemod.latent.codes import Scale
from facemod.models.registry import load_model
from facemod.models.wavelet import model as wavelet
from facemod.models.wavelet.decoder import SLOT_RESOLUTIONS, SLOTS, Decoder, inverse_haar
from facemod.models.wavelet.details import MAP_CHANNELS, DetailPath, untouched
from facemod.models.wavelet.encoder import Encoder
from facemod.tensors.pixels import to_pixels

GOLDEN = Path(__file__).parents[2] / "golden" / "sample-seed7.png"


@pytest.fixture(scope="module")
def model() -> wavelet.WaveletModel:
    return load_model()


@pytest.fixture(scope="module")
def decoded(model: wavelet.WaveletModel) -> torch.Tensor:
    return model.decode(model.sample(1, seed=7))


def test_inverse_haar_undoes_the_forward_transform() -> None:
    image = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    a, b = image[..., ::2, ::2], image[..., ::2, 1::2]
    c, d = image[..., 1::2, ::2], image[..., 1::2, 1::2]
    low, lh, hl, hh = (s / 2 for s in (a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d))
    high = torch.stack((lh, hl, hh), dim=2).flatten(1, 2)
    assert torch.allclose(inverse_haar(torch.cat((low, high), dim=1)), image)


def test_sample_matches_the_golden_picture(decoded: torch.Tensor) -> None:
    small = torch.nn.functional.interpolate(decoded, (64, 64), mode="area")
    difference = to_pixels(small)[0].astype(int) - np.asarray(Image.open(GOLDEN), dtype=int)
    assert np.abs(difference).max() <= 2
    assert np.abs(difference).mean() <= 0.5


def test_sampling_is_reproducible_and_seeds_differ(model: wavelet.WaveletModel) -> None:
    again, other = model.sample(2, seed=7).styles, model.sample(2, seed=8).styles
    assert torch.equal(model.sample(2, seed=7).styles, again)
    assert not torch.equal(again, other)


def test_truncation_zero_is_the_mean_face(model: wavelet.WaveletModel) -> None:
    styles = model.sample(2, seed=1, truncation=0).styles
    assert torch.allclose(styles[0], styles[1])


@pytest.mark.parametrize("slot", [0, 4, 15])
def test_every_slot_acts_on_its_own(
    model: wavelet.WaveletModel, decoded: torch.Tensor, slot: int
) -> None:
    codes, other = model.sample(1, seed=7), model.sample(1, seed=8)
    mixed = model.decode(codes.with_slots([slot], other))
    assert (mixed - decoded).abs().mean() > 1e-4


def test_slots_cover_the_three_scales(model: wavelet.WaveletModel) -> None:
    codes = model.sample(1, seed=0)
    assert codes.slots(Scale.COARSE) == (0, 1, 2)
    assert codes.slots(Scale.MID) == tuple(range(3, 9))
    assert codes.slots(Scale.FINE) == tuple(range(9, 16))


def test_affines_follow_the_slots() -> None:
    assert len(Decoder().affines()) == SLOTS == len(SLOT_RESOLUTIONS)


def test_encoder_recovers_the_person_that_was_decoded(
    model: wavelet.WaveletModel, decoded: torch.Tensor
) -> None:
    """Codes of a decoded sample are nearer to the true ones than to those of others."""
    found = model.encode(decoded).styles
    true = model.sample(1, seed=7).styles
    others = model.sample(8, seed=9).styles

    def distance(a: torch.Tensor) -> torch.Tensor:
        return (found[:, 3:9] - a[:, 3:9]).square().mean((1, 2))

    assert distance(true) < distance(others).min()


def test_encoder_accepts_any_square_size(model: wavelet.WaveletModel) -> None:
    faces = torch.zeros(2, 3, 300, 300)
    assert model.encode(faces).styles.shape == (2, SLOTS, 512)


def test_encoder_budget() -> None:
    """20 MB in half precision."""
    assert sum(p.numel() for p in Encoder().parameters()) <= 10_000_000


@pytest.fixture(scope="module")
def stranger(model: wavelet.WaveletModel) -> torch.Tensor:
    """A face with a stripe over it, which styles alone cannot hold."""
    face = model.decode(model.sample(1, seed=5)).clone()
    face[..., 600:640, 300:700] = -1
    return face


def test_details_bring_what_styles_cannot_hold(
    model: wavelet.WaveletModel, stranger: torch.Tensor
) -> None:
    codes = model.encode(stranger)
    errors = [
        float((model.decode(kept) - stranger)[..., 600:640, 300:700].abs().mean())
        for kept in (codes, codes.without_details())
    ]
    assert errors[0] < 0.5 * errors[1]


def test_details_that_do_not_show_change_nothing(
    model: wavelet.WaveletModel, stranger: torch.Tensor
) -> None:
    codes = model.encode(stranger)
    hidden = replace(codes, details=(codes.details[0].scaled(0),))
    plain = model.decode(codes.without_details())
    assert torch.allclose(model.decode(hidden), plain, atol=1e-4)


def test_the_residual_gives_way_where_an_edit_changes_the_features() -> None:
    torch.manual_seed(0)
    path, maps = DetailPath(), torch.randn(1, MAP_CHANNELS, 64, 64)
    torch.nn.init.normal_(path.decoder.out.weight)
    before = torch.randn(1, 512, 64, 64)
    after = before.clone()
    after[..., :20] += 2
    whole, edited = path.residual(maps, before, before), path.residual(maps, before, after)
    assert edited[..., :15].abs().max() < 1e-3
    assert torch.equal(edited[..., 25:], whole[..., 25:])
    assert whole[..., :15].abs().mean() > 0.1


def test_it_gives_way_sooner_when_told_to() -> None:
    before = torch.zeros(2, 512, 64, 64)
    stays = untouched(before, before + 0.5, torch.tensor([1.0, 3.0])).flatten(1).mean(1)
    assert float(stays[1]) == pytest.approx(float(stays[0]) ** 3, rel=1e-4)
    assert torch.equal(
        untouched(before, before + 0.5), untouched(before, before + 0.5, torch.ones(2))
    )


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"encoder\.safetensors: the weight file is missing"):
        wavelet.load(folder=tmp_path)


def test_loading_imports_nothing_more_of_torch() -> None:
    """Some operations without numbers, such as torch.eye on the device meta, import half of it."""
    probe = (
        "import sys; from facemod.models.registry import load_model; load_model();"
        "print(sorted({'sympy', 'torch._dynamo', 'torch._inductor'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert ended.stdout == "[]\n", ended.stderr


def test_unknown_model_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no such model; there is bundled"):
        load_model("nonsense")


@pytest.mark.parametrize("size", [256, 1024])
def test_drawing_is_decoding_and_knows_where_the_person_is(
    model: wavelet.WaveletModel, size: int
) -> None:
    codes = model.sample(2, seed=7)
    drawn = model.draw(codes, size)
    assert torch.allclose(drawn.image, model.decode(codes, size), atol=1e-4)
    assert drawn.person.shape == (2, 1, 128, 128)
    middle, corners = drawn.person[..., 48:96, 48:80], drawn.person[..., :8, :8]
    assert middle.min() > 0.9
    assert corners.mean() < 0.1
