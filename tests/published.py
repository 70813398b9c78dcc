"""Checkpoints of the published layouts with random weights, as their authors' trainers write them.

Names and shapes follow the published code; the widths may be smaller, so that tests are fast.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# At 4, 8, ... 1024 px.
SMALL_WIDTHS = (12, 12, 10, 8, 8, 6, 6, 4, 4)
ENCODER_WIDTHS = (12, 12, 12, 10, 8, 8, 6, 4, 4)


class Draw:
    """Random tensors, collected under published names."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors: OrderedDict[str, Tensor] = OrderedDict()

    def put(self, name: str, *shape: int, scale: float = 1.0, shift: float = 0.0) -> Tensor:
        drawn = torch.randn(shape, generator=self.generator) * scale + shift
        self.tensors[f"module.{name}"] = drawn
        return drawn

    def conv(self, name: str, c_in: int, c_out: int, size: int) -> None:
        self.put(f"{name}.conv.bias", c_out, scale=0.1)
        self.put(f"{name}.conv.weight_orig", c_out, c_in, size, size)


def automodulator_decoder(widths: Sequence[int], latent: int, seed: int) -> OrderedDict:
    draw = Draw(seed)
    draw.put("label_embed.weight", 1, 1)

    def style(name: str, copy: int, width: int) -> None:
        weight = draw.put(f"{name}.mod.weight", 2 * width, latent)
        bias = draw.put(f"{name}.mod.bias", 2 * width, scale=0.1, shift=1.0)
        draw.tensors[f"module.adanorm_blocks.{copy}.mod.weight"] = weight
        draw.tensors[f"module.adanorm_blocks.{copy}.mod.bias"] = bias

    for i, width in enumerate(widths):
        if i:
            draw.conv(f"progression.{i}.conv.0.0", widths[i - 1], width, 3)
            draw.put(f"progression.{i}.conv.0.0.conv.weight_gain", 1, scale=0.01, shift=1.0)
            style(f"progression.{i}.conv.0.3", 2 * i - 1, width)
        draw.conv(f"progression.{i}.conv.1", width, width, 3)
        draw.put(f"progression.{i}.conv.1.conv.weight_gain", 1, scale=0.01, shift=1.0)
        style(f"progression.{i}.conv.3", 2 * i, width)
        draw.put(f"to_rgb.{i}.weight", 3, width, 1, 1, scale=0.1)
        draw.put(f"to_rgb.{i}.bias", 3, scale=0.1)
        for layer in range(2):
            draw.put(f"noise.{i}.{layer}.noise_scale", width, scale=0.3)
    for layer in range(2):
        draw.put(f"z_preprocess.{layer}.0.bias", latent)
        draw.put(f"z_preprocess.{layer}.0.weight_orig", latent, latent)
        draw.put(f"z_preprocess.{layer}.0.weight_gain", 1)
    return draw.tensors


def pioneer_decoder(widths: Sequence[int], latent: int, seed: int, *, second: str) -> OrderedDict:
    draw = Draw(seed)
    draw.put("label_embed.weight", 1, 1)
    for i, (c_in, c_out) in enumerate(zip((latent, *widths[:-1]), widths, strict=True)):
        draw.conv(f"progression.{i}.conv.0", c_in, c_out, 3 if i else 4)
        draw.conv(f"progression.{i}.{second}", c_out, c_out, 3)
        draw.put(f"to_rgb.{i}.weight", 3, c_out, 1, 1, scale=0.3)
        draw.put(f"to_rgb.{i}.bias", 3, scale=0.1)
    return draw.tensors


def encoder(widths: Sequence[int], latent: int, seed: int) -> tuple[OrderedDict, list[Tensor]]:
    """The encoder's tensors and its spectral vectors; published levels count from 1024 px down."""
    draw, vectors = Draw(seed), []
    channels = (*reversed(widths), latent)
    for i in range(9):
        draw.conv(f"progression.{i}.conv.0", channels[i], channels[i + 1], 3)
        last = 4 if i == 8 else 3
        draw.conv(f"progression.{i}.conv.2", channels[i + 1], channels[i + 1], last)
        draw.put(f"from_rgb.{i}.weight", channels[i], 3, 1, 1)
        draw.put(f"from_rgb.{i}.bias", channels[i], scale=0.1)
        vectors += [torch.randn(channels[i + 1], 1, generator=draw.generator) for _ in range(2)]
    return draw.tensors, vectors


def checkpoint(
    family: str,
    *,
    phase: int = 3,
    widths: Sequence[int] = SMALL_WIDTHS,
    encoder_widths: Sequence[int] = ENCODER_WIDTHS,
    latent: int = 12,
    seed: int = 0,
) -> dict[str, Any]:
    """A whole checkpoint of a family, with the optimizer states that come along."""
    if family == "automodulator":
        decoder = automodulator_decoder(widths, latent, seed)
    else:
        second = "conv.3" if family == "pioneer" else "conv.2"
        decoder = pioneer_decoder(widths, latent, seed, second=second)
    tensors, vectors = encoder(encoder_widths, latent, seed + 1)
    adam = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-3}]}
    content: dict[str, Any] = {
        "G_state_dict": OrderedDict((key, value + 1) for key, value in decoder.items()),
        "G_running_state_dict": decoder,
        "D_state_dict": tensors,
        "optimizerD": adam,
        "optimizerG": adam,
        "iteration": 42_420_000,
        "phase": phase,
        "alpha": 1.0,
    }
    if family == "automodulator":
        robust = {"latent_alpha": torch.zeros(1, 48), "latent_scale": torch.zeros(1, 48)}
        content |= {"SNU": vectors, "adaptive_loss_0": (robust,)}
    return content
