"""The published families once more, from the specification: literal, slow, in float64 numpy.

Everything reads a published checkpoint as it is. Nothing here is shared with facemod.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Array = np.ndarray


def part(checkpoint: dict[str, Any], name: str) -> dict[str, Array]:
    """A state dict without ``module.``, in float64."""
    return {
        key[len("module.") :]: value.numpy().astype(np.float64)
        for key, value in checkpoint[name].items()
    }


def conv(x: Array, weight: Array, bias: Array, pad: int) -> Array:
    """Cross-correlation of [N, C, H, W] with [O, C, K, K], zero padding."""
    size = weight.shape[2]
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    height, width = x.shape[2] - size + 1, x.shape[3] - size + 1
    out = np.zeros((len(x), len(weight), height, width))
    for dy in range(size):
        for dx in range(size):
            patch = x[:, :, dy : dy + height, dx : dx + width]
            out += np.tensordot(weight[:, :, dy, dx], patch, axes=(1, 1)).transpose(1, 0, 2, 3)
    return out + bias[None, :, None, None]


def leaky(x: Array) -> Array:
    return np.where(x > 0, x, 0.2 * x)


def twice(x: Array) -> Array:
    """Nearest upsampling by 2."""
    return x.repeat(2, axis=2).repeat(2, axis=3)


def halved(x: Array) -> Array:
    """2 x 2 average pooling."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def blurred(x: Array) -> Array:
    """Depthwise 3 x 3 binomial filter, zero padding 1."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros_like(x)
    for dy, a in enumerate((1, 2, 1)):
        for dx, b in enumerate((1, 2, 1)):
            out += a * b / 16 * padded[:, :, dy : dy + x.shape[2], dx : dx + x.shape[3]]
    return out


def he(weight: Array) -> Array:
    return weight * np.sqrt(2 / (weight.shape[1] * weight.shape[2] * weight.shape[3]))


def spectral_once(weight: Array, u: Array) -> Array:
    """W / sigma by one power iteration from the stored left vector."""
    matrix = weight.reshape(len(weight), -1)
    v = matrix.T @ u
    v = v / np.linalg.norm(v)
    u = matrix @ v
    u = u / np.linalg.norm(u)
    return weight / (u.T @ matrix @ v).item()


def spectral_limit(weight: Array) -> Array:
    """W / sigma with the sigma that repeated use ends in."""
    return weight / np.linalg.svd(weight.reshape(len(weight), -1), compute_uv=False)[0]


def encode(checkpoint: dict[str, Any], images: Array, *, last_relu: bool) -> Array:
    """Images [N, 3, R, R] -> unit latents, at the checkpoint's phase."""
    tensors, phase = part(checkpoint, "D_state_dict"), checkpoint["phase"]
    vectors = checkpoint.get("SNU")

    def weight(index: int, place: int) -> Array:
        raw = tensors[f"progression.{index}.conv.{2 * place}.conv.weight_orig"]
        if vectors is None:
            return spectral_limit(raw)
        return spectral_once(raw, vectors[2 * index + place].numpy().astype(np.float64))

    def bias(index: int, place: int) -> Array:
        return tensors[f"progression.{index}.conv.{2 * place}.conv.bias"]

    start = 8 - phase
    x = conv(images, tensors[f"from_rgb.{start}.weight"], tensors[f"from_rgb.{start}.bias"], 0)
    for index in range(start, 9):
        x = leaky(conv(x, weight(index, 0), bias(index, 0), 1))
        if index < 8:
            x = halved(leaky(conv(x, weight(index, 1), bias(index, 1), 1)))
        else:
            x = conv(x, weight(index, 1), bias(index, 1), 0)
            x = leaky(x) if last_relu else x
    z = x.reshape(len(x), -1)
    return z / np.sqrt((z**2).sum(axis=1, keepdims=True))


def adain(x: Array, z: Array, weight: Array, bias: Array) -> Array:
    """Spatial mean and unbiased deviation, no epsilon; first half multiplies, last half adds."""
    affine = z @ weight.T + bias
    half = x.shape[1]
    mean = x.mean(axis=(2, 3), keepdims=True)
    deviation = x.std(axis=(2, 3), ddof=1, keepdims=True)
    return affine[:, :half, None, None] * (x - mean) / deviation + affine[:, half:, None, None]


def decode_automodulator(
    checkpoint: dict[str, Any], stack: Array, noise: Iterator[Array] | None = None
) -> Array:
    """A stack of latents [N, blocks, D] -> images, at the checkpoint's phase.

    ``noise`` yields one array for each noisy layer, in order.
    """
    t, phase = part(checkpoint, "G_running_state_dict"), checkpoint["phase"]

    def scaled(name: str) -> Array:
        return he(t[f"{name}.conv.weight_orig"]) * t[f"{name}.conv.weight_gain"]

    def layer(x: Array, i: int, name: str, style: str, gain: str, z: Array) -> Array:
        x = conv(x, scaled(f"progression.{i}.{name}"), t[f"progression.{i}.{name}.conv.bias"], 1)
        if name == "conv.0.0":
            x = blurred(x)
        if i > 0 and noise is not None:
            x = x + next(noise) * t[gain][None, :, None, None]
        mod = f"progression.{i}.{style}.mod"
        return adain(leaky(x), z, t[f"{mod}.weight"], t[f"{mod}.bias"])

    x = np.ones((len(stack), t["to_rgb.0.weight"].shape[1], 4, 4))
    for i in range(phase + 1):
        z = stack[:, i]
        if i > 0:
            x = layer(twice(x), i, "conv.0.0", "conv.0.3", f"noise.{i}.0.noise_scale", z)
        x = layer(x, i, "conv.1", "conv.3", f"noise.{i}.1.noise_scale", z)
    return conv(x, t[f"to_rgb.{phase}.weight"], t[f"to_rgb.{phase}.bias"], 0)


def decode_pioneer(checkpoint: dict[str, Any], z: Array, *, balanced: bool) -> Array:
    """Latents [N, D] -> images, at the checkpoint's phase."""
    t, phase = part(checkpoint, "G_running_state_dict"), checkpoint["phase"]
    names = ("conv.0", "conv.2") if balanced else ("conv.0", "conv.3")
    x = z[:, :, None, None]
    for i in range(phase + 1):
        x = twice(x) if i else x
        for name in names:
            raw = t[f"progression.{i}.{name}.conv.weight_orig"]
            weight = spectral_limit(raw) if balanced else he(raw)
            pad = 3 if raw.shape[2] == 4 else 1
            x = conv(x, weight, t[f"progression.{i}.{name}.conv.bias"], pad)
            if not balanced:
                x = x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-8)
            x = leaky(x)
    return conv(x, t[f"to_rgb.{phase}.weight"], t[f"to_rgb.{phase}.bias"], 0)
