"""Published layouts through pickle, importer, file and network, against a float64 reference.

Tolerance: ours compute in float32, the reference in float64. Every number of a latent agrees to
1e-6 (their size is about 1 / sqrt(dim)) and every pixel to 2e-4 before clamping, where the range
is 2 wide: a fortieth of an 8-bit step. Measured worst: 2.7e-7 and 4.4e-5.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import published
import pytest
import reference
import torch

from facemod.models.importing.convert import import_file
from facemod.models.registry import FORMATS, load_model
from facemod.models.sphere.published import Checkpoint

# The largest published one, 512 px.
LARGEST = ("automodulator", 7)
LATENT_TOLERANCE, PIXEL_TOLERANCE = 1e-6, 2e-4


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEMOD_MODELS_DIR", str(tmp_path / "models"))
    return tmp_path


def imported(content: dict[str, Any], folder: Path, *, legacy: bool = False):
    """A checkpoint as a loaded model, by way of every file on the way."""
    path = folder / "123_state.pth"
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    import_file(path, "parity")
    return load_model("parity")


def pictures(phase: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (2, 3, 4 << phase, 4 << phase))


def latents(count: int, dim: int, seed: int = 2) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, dim))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def unclamped(model, styles: np.ndarray) -> np.ndarray:
    """What the decoder makes of styles, before clamping, which would hide differences."""
    return model.decode_styles(torch.from_numpy(styles).float()).numpy().astype(np.float64)


def expected_pictures(family: str, content: dict[str, Any], z: np.ndarray) -> np.ndarray:
    if family == "automodulator":
        return reference.decode_automodulator(content, np.repeat(z[:, None], 9, axis=1))
    return reference.decode_pioneer(content, z, balanced=family == "balanced-pioneer")


def assert_close(ours: np.ndarray, theirs: np.ndarray, tolerance: float) -> None:
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance


@pytest.mark.parametrize(
    ("family", "phase"), [*((family, phase) for family in FORMATS for phase in (2, 4)), LARGEST]
)
def test_encode_and_decode(family: str, phase: int, own_models: Path) -> None:
    content = published.checkpoint(family, phase=phase)
    model = imported(content, own_models)
    assert (model.info.family, model.info.resolution) == (family, 4 << phase)
    found = model.encode(torch.from_numpy(pictures(phase)).float()).styles
    expected = reference.encode(content, pictures(phase), last_relu=family != "automodulator")
    for slot in range(model.info.slots):
        assert_close(found[:, slot].numpy(), expected, LATENT_TOLERANCE)
    z = latents(2, 12)
    ours = unclamped(model, np.repeat(z[:, None], model.info.slots, axis=1))
    theirs = expected_pictures(family, content, z)
    assert_close(ours, theirs, PIXEL_TOLERANCE)
    assert theirs.std() > 0.05


@pytest.mark.parametrize("family", FORMATS)
def test_the_published_channels(family: str) -> None:
    """512 channels, as in the files, at 16 px; without a file, because it would be large."""
    widths = (512, 512, 512, 512, 256, 128, 64, 32, 16)
    content = published.checkpoint(
        family, phase=2, widths=widths, encoder_widths=widths, latent=512
    )
    facts, *states = FORMATS[family].convert(Checkpoint.read(content, Path("state.pth")))
    networks = FORMATS[family].networks(facts)
    for network, state in zip(networks, states, strict=True):
        network.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    model = FORMATS[family].load("parity", facts, networks, torch.zeros(512), "cpu")
    found = model.encode(torch.from_numpy(pictures(2)).float()).styles[:, 0]
    expected = reference.encode(content, pictures(2), last_relu=family != "automodulator")
    assert_close(found.numpy(), expected, LATENT_TOLERANCE)
    z = latents(1, 512)
    ours = unclamped(model, np.repeat(z[:, None], model.info.slots, axis=1))
    assert_close(ours, expected_pictures(family, content, z), PIXEL_TOLERANCE)


def test_a_latent_of_its_own_for_every_block(own_models: Path) -> None:
    content = published.checkpoint("automodulator", phase=5)
    model = imported(content, own_models)
    stack = np.stack([latents(2, 12, seed) for seed in range(6)], axis=1)
    assert_close(
        unclamped(model, stack), reference.decode_automodulator(content, stack), PIXEL_TOLERANCE
    )
    swapped = stack[:, ::-1].copy()
    assert np.abs(unclamped(model, stack) - unclamped(model, swapped)).max() > 0.05


def test_noise_of_fixed_arrays(own_models: Path) -> None:
    content = published.checkpoint("automodulator", phase=4)
    model = imported(content, own_models)
    stack = np.repeat(latents(2, 12)[:, None], 5, axis=1)
    rng, arrays = np.random.default_rng(3), []

    def noise(x: torch.Tensor) -> torch.Tensor:
        arrays.append(rng.normal(size=x.shape))
        return torch.from_numpy(arrays[-1]).float()

    with torch.inference_mode():
        ours = model.decoder(torch.from_numpy(stack).float(), noise=noise).numpy()
    assert len(arrays) == 8
    theirs = reference.decode_automodulator(content, stack, iter(arrays))
    assert_close(ours, theirs, PIXEL_TOLERANCE)
    assert np.abs(ours - unclamped(model, stack)).max() > 0.05


def test_noise_from_a_seed(own_models: Path) -> None:
    imported(published.checkpoint("automodulator"), own_models)
    codes = load_model("parity").sample(2, seed=1)
    quiet, a, again, b = (
        load_model("parity", noise=seed).decode(codes) for seed in (None, 1, 1, 2)
    )
    assert torch.equal(a, again)
    assert not torch.equal(a, quiet)
    assert not torch.equal(a, b)
    assert torch.allclose(load_model("parity", noise=1).decode(codes[0]), a[:1], atol=1e-5)


def test_the_older_file_format_is_the_same_model(own_models: Path) -> None:
    content = published.checkpoint("automodulator")
    new = imported(content, own_models).sample(1, seed=3)
    (own_models / "models" / "parity.safetensors").unlink()
    old = imported(content, own_models, legacy=True)
    assert torch.equal(old.sample(1, seed=3).styles, new.styles)
    assert old.info.images_seen == 42_420_000
