"""The networks of the published families: sizes, growth, and weights that training prepares."""

from __future__ import annotations

import pytest
import torch

from facemod.models.automodulator import decoder as automodulator
from facemod.models.pioneer import decoder as pioneer
from facemod.models.sphere import growing
from facemod.models.sphere.growing import Encoder, fold

WIDTHS = (16, 8, 8, 4)
LATENT = 12


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_published_sizes() -> None:
    """The counts that follow from the published layout, less what is never used at inference."""
    assert parameters(Encoder(growing.WIDTHS)) == 25_439_616
    unused = 525_314 + 512 + 17 + 1  # mapping layers, noise of no layer, gains, label
    full, small = (automodulator.Decoder(w) for w in (automodulator.FULL, automodulator.SMALL))
    assert parameters(full) + unused == 29_842_639
    assert parameters(small) + unused == 24_109_695


@pytest.mark.parametrize("resolution", [16, 32])
def test_latents_lie_on_the_sphere(resolution: int) -> None:
    encoder = Encoder(WIDTHS, LATENT)
    latents = encoder(torch.randn(3, 3, resolution, resolution), growing.level_of(resolution))
    assert latents.shape == (3, LATENT)
    assert torch.allclose(latents.norm(dim=1), torch.ones(3))


def decoders() -> list[torch.nn.Module]:
    return [
        automodulator.Decoder(WIDTHS, LATENT),
        pioneer.Decoder(WIDTHS, LATENT),
        pioneer.Decoder(WIDTHS, LATENT, pixel_norm=True),
    ]


def latents_for(decoder: torch.nn.Module, count: int = 2) -> torch.Tensor:
    latents = growing.random_latents(count, LATENT, torch.Generator().manual_seed(3))
    if isinstance(decoder, automodulator.Decoder):
        return latents[:, None].repeat(1, len(WIDTHS), 1)
    return latents


@pytest.mark.parametrize("decoder", decoders())
def test_a_level_fades_in(decoder: torch.nn.Module) -> None:
    latents = latents_for(decoder)
    shown, hidden, half = (decoder(latents, 2, fade) for fade in (1.0, 0.0, 0.5))
    below = torch.nn.functional.interpolate(decoder(latents, 1), scale_factor=2)
    assert shown.shape == (2, 3, 16, 16)
    assert torch.allclose(hidden, below, atol=1e-6)
    assert torch.allclose(half, (shown + hidden) / 2, atol=1e-6)


def test_the_encoder_fades_in() -> None:
    encoder, images = Encoder(WIDTHS, LATENT), torch.randn(2, 3, 32, 32)
    small = torch.nn.functional.avg_pool2d(images, 2)
    assert torch.allclose(encoder(images, 3, 0.0), encoder(small, 2), atol=1e-6)


@pytest.mark.parametrize("prepare", [growing.equalise, growing.normalise_spectrally])
def test_folding_keeps_what_a_network_computes(prepare) -> None:
    encoder, images = Encoder(WIDTHS, LATENT), torch.randn(2, 3, 32, 32)
    plain = set(encoder.state_dict())
    prepare(encoder.convolutions())
    before = encoder.eval()(images)
    fold(encoder)
    assert set(encoder.state_dict()) == plain
    assert torch.allclose(encoder(images), before, atol=1e-6)


def test_decoding_in_parts_is_decoding() -> None:
    decoder = automodulator.Decoder(WIDTHS, LATENT)
    styles = torch.randn(2, len(WIDTHS), LATENT)
    first = decoder.features(styles, range(2))
    assert first.shape == (2, WIDTHS[1], 8, 8)
    rest = decoder.features(styles, range(2, 4), first)
    assert torch.allclose(decoder.to_rgb[3](rest), decoder(styles), atol=1e-6)


def test_noise_reaches_every_level_but_the_first() -> None:
    decoder = automodulator.Decoder(WIDTHS, LATENT)
    asked = []

    def noise(x: torch.Tensor) -> torch.Tensor:
        asked.append(tuple(x.shape[1:]))
        return torch.randn_like(x)

    decoder(torch.randn(2, len(WIDTHS), LATENT), noise=noise)
    assert asked == [(8, 8, 8)] * 2 + [(8, 16, 16)] * 2 + [(4, 32, 32)] * 2
