"""Weight files are untrusted input."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from facemod.errors import ModelError
from facemod.weights.files import all_finite, fill, filled, load_weights, loaded, save_weights


def test_round_trip_keeps_configuration_and_returns_float32(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": torch.tensor([1.5, -2.0]), "n": torch.tensor([3])}, {"family": "x"})
    state, config = load_weights(path)
    assert config == {"family": "x"}
    assert state["a"].dtype == torch.float32
    assert state["a"].tolist() == [1.5, -2.0]
    assert state["n"].tolist() == [3]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is missing"):
        load_weights(tmp_path / "none.safetensors")


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff" * 64, b"\x80\x04\x95pickle"])
def test_damaged_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        load_weights(path)


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": torch.zeros(100)}, {})
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ModelError):
        load_weights(path)


def test_foreign_safetensors(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ModelError, match="not a facemod weight file"):
        load_weights(path)


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": torch.tensor([1.0, float("nan")])}, {})
    with pytest.raises(ModelError, match="tensor a holds values that are not finite"):
        load_weights(path)


def test_weights_of_another_network(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="do not fit this network"):
        fill(torch.nn.Linear(2, 2), {"weight": torch.zeros(3, 3)}, tmp_path)


def test_eight_bits_keep_each_row_to_its_own_scale(tmp_path: Path) -> None:
    rows = torch.randn(64, 3, 32, generator=torch.Generator().manual_seed(0))
    rows *= torch.logspace(-3, 2, 64)[:, None, None]
    few = torch.tensor([[0.3, 0.7]])
    path = tmp_path / "w.safetensors"
    save_weights(path, {"rows": rows, "few": few, "bias": rows[:, 0, 0]}, {}, eight_bits=True)
    state, _ = load_weights(path)
    error = (state["rows"] - rows).flatten(1).abs().amax(1)
    assert (error <= rows.flatten(1).abs().amax(1) / 253).all()
    assert torch.allclose(state["few"], few, rtol=1e-3)
    assert set(state) == {"rows", "few", "bias"}
    assert path.stat().st_size < rows.numel() * 1.3


def test_scales_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    torn = {"rows": torch.zeros(4, 4, dtype=torch.int8), "rows.scale": torch.zeros(3)}
    save_file(torn, path, metadata={"facemod.format": "1", "config": "{}"})
    with pytest.raises(ModelError, match="does not fit its scales"):
        load_weights(path)


def block() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))


def test_a_network_that_is_made_for_its_weights_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, block().state_dict(), {})
    made, given = loaded(block, path), filled(block(), path)
    tensors, others = made.state_dict(), given.state_dict()
    assert tensors.keys() == others.keys()
    assert all(torch.equal(tensors[name], others[name]) for name in tensors)
    assert all(p.requires_grad for p in made.parameters())
    faces = torch.randn(2, 3, 8, 8)
    assert torch.equal(made(faces), given(faces))


def test_a_part_reads_its_own_weights_alone(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    whole = torch.nn.Sequential(block(), block())
    save_weights(path, whole.state_dict(), {})
    part = loaded(lambda: torch.nn.Sequential(block()), path, part=True)
    assert part.state_dict().keys() == {n for n in whole.state_dict() if n.startswith("0.")}
    with pytest.raises(ModelError, match="do not fit this network"):
        loaded(lambda: torch.nn.Sequential(block()), path)


@pytest.mark.parametrize(
    ("values", "finite"),
    [
        ([1.0, -2.0], True),
        ([3e38, 3e38], True),  # whose sum is not
        ([float("inf"), 1.0], False),
        ([float("inf"), float("-inf")], False),
        ([float("nan")], False),
    ],
)
def test_finite_values(values: list[float], finite: bool) -> None:
    assert all_finite(torch.tensor(values)) is finite


def test_networks_that_are_loaded_in_inference_mode_can_be_differentiated(tmp_path: Path):
    path = tmp_path / "w.safetensors"
    save_weights(path, torch.nn.Linear(2, 1).state_dict(), {})
    with torch.inference_mode():
        network = loaded(lambda: torch.nn.Linear(2, 1), path)
    x = torch.zeros(1, 2, requires_grad=True)
    network(x).sum().backward()
    assert x.grad is not None and network.weight.grad is not None
