"""Distances of distributions and path lengths that are known beforehand."""

from __future__ import annotations

import pytest
import torch
from fakes import FakeModel

from facemod.errors import ModelError, UsageError
from facemod.training.evaluation.generation import (
    FeatureDistance,
    PathLength,
    feature_network,
    frechet,
    random_pictures,
    squared,
)


class MeanColour(torch.nn.Module):
    """The mean colour of a picture."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


@pytest.fixture
def colours(tmp_path):
    path = tmp_path / "colours.pt"
    torch.jit.trace(MeanColour(), torch.zeros(1, 3, 16, 16)).save(str(path))
    return feature_network(path, 16)


def test_the_distance_of_diagonal_normals_by_hand() -> None:
    torch.manual_seed(0)
    noise = torch.randn(4000, 3, dtype=torch.float64)
    noise = (noise - noise.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(noise.T.cov())).T
    scales, shift = torch.tensor([1.0, 2, 3]), torch.tensor([0.5, 0, -1])
    a, b = noise, noise * scales + shift
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)
    assert frechet(a, b) == pytest.approx(0.25 + 1 + (1 - 2) ** 2 + (1 - 3) ** 2)
    assert frechet(a, b) == pytest.approx(frechet(b, a))


def test_random_pictures_are_near_others_of_their_model(colours) -> None:
    model, metric = FakeModel(), FeatureDistance(colours, 40)
    metric.photos = [colours(x) for x in random_pictures(model, 40, seed=500)]
    metric.reconstructions = [x * 0 for x in metric.photos]
    rows = metric.measure(model, [])
    assert rows["random"]["number"] == 40
    assert rows["random"]["feature distance"] < rows["reconstructed"]["feature distance"] / 3


def test_a_distribution_needs_more_than_one_photo(colours) -> None:
    with pytest.raises(UsageError, match="more than one photo"):
        FeatureDistance(colours, 4).measure(FakeModel(), [])


def test_the_length_of_a_straight_path(colours) -> None:
    model, lengths = FakeModel(), []
    for seed in range(5):
        a, b = colours(model.decode(model.sample(2, seed=seed, truncation=1.0)))
        lengths.append((a - b).square().sum())
    row = PathLength(squared(colours), 5).measure(model, [])["all"]
    assert row["mean"] == pytest.approx(float(sum(lengths) / 5), rel=0.02)
    assert row["median"] == pytest.approx(float(torch.stack(lengths).median()), rel=0.02)


def test_a_file_that_is_no_network_is_refused(tmp_path) -> None:
    (tmp_path / "x.pt").write_bytes(b"rubbish")
    for name in ("x.pt", "missing.pt"):
        with pytest.raises(ModelError, match="not a TorchScript network"):
            feature_network(tmp_path / name, 16)
