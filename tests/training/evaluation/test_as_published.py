"""The authors' way of measuring: preprocessing, rounding, noise, what is compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import FakeModel
from PIL import Image

from facemod.errors import InputError, ModelError, UsageError
from facemod.latent.codes import Codes
from facemod.training.evaluation.as_published import (
    Noisy,
    face_part,
    measure,
    perceptual_network,
    published_square,
    stored,
)
from facemod.training.evaluation.generation import frechet, random_pictures


def colours(images: torch.Tensor) -> torch.Tensor:
    return images.mean((2, 3)).double()


def apart(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).square().mean((1, 2, 3)).double()


class NoisyFake(FakeModel):
    """One whose pictures are brighter by a hundredth of the seed of its noise."""

    noise_seed = None

    def decode(self, codes: Codes, size: int | None = None) -> torch.Tensor:
        return super().decode(codes, size) + 0.01 * (self.noise_seed or 0)


def photos(count: int = 5) -> list[tuple[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    return [(f"{i}.png", np.full((80, 70, 3), rng.integers(0, 256, 3), np.uint8))
            for i in range(count)]  # fmt: skip


@pytest.mark.parametrize(("resolution", "first"), [(64, 256), (256, 256), (512, 512)])
def test_pictures_are_cut_out_of_the_middle_by_bilinear_filtering(resolution, first) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 900, 3), np.uint8)
    wide = Image.fromarray(pixels).resize((first * 3 // 2, first), Image.Resampling.BILINEAR)
    left = first // 4
    middle = wide.crop((left, 0, left + first, first))
    wanted = middle.resize((resolution, resolution), Image.Resampling.BILINEAR)
    assert np.array_equal(published_square(pixels, resolution), np.asarray(wanted))


def test_rounding_is_that_of_files() -> None:
    images = torch.tensor([-1.3, -1.0, -0.999, 0.0, 0.31, 2.0])
    pixels = ((images.clamp(-1, 1) / 2 + 0.5) * 255 + 0.5).floor().clamp(0, 255)
    assert torch.allclose(stored(images), pixels / 127.5 - 1, atol=1 / 127)
    levels = torch.arange(256) / 127.5 - 1
    assert torch.allclose(stored(levels), levels, atol=1e-6)
    assert len(stored(torch.rand(5000) * 2 - 1).unique()) <= 256


def test_the_face_is_what_the_published_crop_leaves() -> None:
    rows = torch.arange(64.0)[:, None].expand(64, 64)
    part = face_part(torch.stack([rows, rows.T])[None])
    assert part.shape == (1, 2, 32, 32)
    assert (part[0, 0, 0, 0], part[0, 0, -1, 0]) == (24, 55)  # rows 3/8 to 7/8
    assert (part[0, 1, 0, 0], part[0, 1, 0, -1]) == (16, 47)  # columns 2/8 to 6/8


def test_noise_is_on_and_new_for_every_draw() -> None:
    model = Noisy(NoisyFake(), rounded=False)
    codes = model.sample(1, seed=0)
    one, again = model.decode(codes), model.decode(codes)
    assert torch.equal(one, again)  # both ends of a path see the same
    model.sample(1, seed=1)
    assert torch.allclose(model.decode(codes), one + 0.01, atol=1e-6)


def test_fid_is_that_of_rounded_noisy_pictures() -> None:
    found = measure(NoisyFake(), photos(), 20, features=colours)
    assert found.rows.keys() == {"FID"}
    model = Noisy(NoisyFake(), rounded=True)
    drawn = torch.cat([colours(x) for x in random_pictures(model, 20, 0)])
    seen = torch.stack([torch.from_numpy(p[0, 0] / 127.5 - 1) for _, p in photos()])
    assert found.rows["FID"]["value"] == pytest.approx(frechet(seen, drawn), rel=1e-4)
    assert found.rows["FID"]["pictures"] == 5


def test_lpips_is_that_of_reconstructions_and_ppl_that_of_arcs() -> None:
    found = measure(FakeModel(), photos(), 4, distance=apart)
    # one colour each: the fake rebuilds all but the rounding, of at most half a step
    assert 0 <= found.rows["LPIPS"]["value"] < (0.5 / 127.5) ** 2
    assert found.rows["LPIPS"]["pictures"] == 4
    # the fake walks straight lines, along which pictures change evenly
    a, b = (FakeModel().decode(FakeModel().sample(2, seed=s, truncation=1.0)) for s in (0, 1))
    lengths = [apart(x[:1], x[1:]).item() for x in (a, b)]
    assert min(lengths) / 30 < found.rows["PPL"]["value"] < max(lengths) * 30


def test_what_cannot_be_read_is_told(tmp_path) -> None:
    found = measure(FakeModel(), [("x.png", None), *photos()], 9, features=colours)
    assert found.problems == ["x.png: unreadable"]
    with pytest.raises(InputError, match="none of the photos"):
        measure(FakeModel(), [("x.png", None)], 9, features=colours)
    with pytest.raises(UsageError, match="--features or --perceptual"):
        measure(FakeModel(), photos(), 9)
    with pytest.raises(UsageError, match="more than one photo"):
        measure(FakeModel(), photos(1), 9, features=colours)
    with pytest.raises(ModelError, match="not a TorchScript network"):
        perceptual_network(tmp_path / "missing.pt")


def test_a_perceptual_network_is_a_file(tmp_path) -> None:
    class Difference(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            return (a - b).abs().mean((1, 2, 3), keepdim=True)

    example = torch.zeros(2, 3, 8, 8)
    torch.jit.trace(Difference(), (example, example)).save(str(tmp_path / "d.pt"))
    distance = perceptual_network(tmp_path / "d.pt")
    assert distance(example, example + 0.25).tolist() == [0.25, 0.25]
