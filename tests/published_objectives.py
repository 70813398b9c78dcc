"""The published objectives once more, literally: one loss after the other, as the authors add them.

Networks are functions of dictionaries of plain tensors; nothing is shared with facemod. Whatever
is drawn (latents, levels, noise) is handed in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHT = "parametrizations.weight.original"
LEFT = "parametrizations.weight.0.left"


@dataclass
class Network:
    """Parameters by name, and the left vectors of spectral norms, which every use improves."""

    p: dict[str, Tensor]
    left: dict[str, Tensor]

    @classmethod
    def of(cls, module: torch.nn.Module) -> Network:
        p = {n: t.detach().clone().requires_grad_() for n, t in module.named_parameters()}
        left = {n[: -len(LEFT) - 1]: t.clone() for n, t in module.named_buffers() if LEFT in n}
        return cls(p, left)

    def spectral(self, name: str) -> Tensor:
        weight = self.p[f"{name}.{WEIGHT}"]
        matrix = weight.reshape(weight.shape[0], -1)
        v = matrix.t() @ self.left[name]
        v = v / v.norm()
        u = matrix @ v
        u = u / u.norm()
        self.left[name] = u.detach()
        return weight / (u.t() @ matrix @ v)

    def equal(self, name: str) -> Tensor:
        weight = self.p[f"{name}.{WEIGHT}"]
        return weight * (2 / (weight.shape[1] * weight.shape[2] * weight.shape[3])) ** 0.5

    def conv(self, x: Tensor, name: str, weight: Tensor, pad: int) -> Tensor:
        return F.conv2d(x, weight, self.p[f"{name}.bias"], padding=pad)

    def pointwise(self, x: Tensor, name: str) -> Tensor:
        return F.conv2d(x, self.p[f"{name}.weight"], self.p[f"{name}.bias"])


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def twice(x: Tensor) -> Tensor:
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def half(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def encode(net: Network, images: Tensor, level: int, alpha: float, *, last_relu: bool) -> Tensor:
    x = net.pointwise(images, f"from_rgb.{level}")
    for i in range(level, -1, -1):
        first, second = f"blocks.{i}.conv1", f"blocks.{i}.conv2"
        x = leaky(net.conv(x, first, net.spectral(first), 1))
        x = net.conv(x, second, net.spectral(second), 1 if i > 0 else 0)
        if i > 0 or last_relu:
            x = leaky(x)
        if i > 0:
            x = half(x)
            if i == level and alpha < 1:
                x = (1 - alpha) * net.pointwise(half(images), f"from_rgb.{i - 1}") + alpha * x
    x = x.reshape(len(x), -1)
    return x / x.norm(2, dim=1).unsqueeze(1)


def decode_one(net: Network, z: Tensor, level: int, alpha: float, *, balanced: bool) -> Tensor:
    """Both PIONEERs."""
    x = z[:, :, None, None]
    for i in range(level + 1):
        if i > 0:
            below = x = twice(x)
        for place in ("conv1", "conv2"):
            name = f"blocks.{i}.{place}"
            weight = net.spectral(name) if balanced else net.equal(name)
            x = net.conv(x, name, weight, 3 if weight.shape[2] == 4 else 1)
            if not balanced:
                x = x / torch.sqrt((x**2).mean(dim=1, keepdim=True) + 1e-8)
            x = leaky(x)
    out = net.pointwise(x, f"to_rgb.{level}")
    if level > 0 and alpha < 1:
        out = (1 - alpha) * net.pointwise(below, f"to_rgb.{level - 1}") + alpha * out
    return out


def binomial(x: Tensor) -> Tensor:
    kernel = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    return F.conv2d(x, kernel.expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])


def modulate(net: Network, x: Tensor, name: str, z: Tensor) -> Tensor:
    affine = z @ net.p[f"{name}.style.affine.weight"].t() + net.p[f"{name}.style.affine.bias"]
    flat = x.flatten(2)
    centred = x - flat.mean(2)[:, :, None, None]
    normal = centred / flat.std(2)[:, :, None, None]
    c = x.shape[1]
    return affine[:, :c, None, None] * normal + affine[:, c:, None, None]


def run(
    net: Network,
    parts: list[tuple[Tensor, int, int]],
    level: int,
    alpha: float,
    noise: Iterator[Tensor] | None,
) -> list[Tensor]:
    """An automodulator's decoder, driven by one latent after the other; what each part gave."""
    x, results = None, []
    for z, begin, end in parts:
        end = level + 1 if end == -1 else min(end, level + 1)
        if x is None:
            x = torch.ones(len(z), net.p["to_rgb.0.weight"].shape[1], 4, 4)
        for i in range(begin, end):
            below = x
            for place in ("conv1", "conv2") if i > 0 else ("conv2",):
                name = f"blocks.{i}.{place}"
                if place == "conv1":
                    x = below = twice(x)
                x = net.conv(x, f"{name}.conv", net.equal(f"{name}.conv"), 1)
                if place == "conv1":
                    x = binomial(x)
                if i > 0 and noise is not None:
                    x = x + next(noise) * net.p[f"{name}.noise_gain"].view(1, -1, 1, 1)
                x = modulate(net, leaky(x), name, z)
        if end == level + 1:
            out = net.pointwise(x, f"to_rgb.{level}")
            if level > 0 and alpha < 1:
                out = (1 - alpha) * net.pointwise(below, f"to_rgb.{level - 1}") + alpha * out
            x = out
        results.append(x)
    return results


def kl(z: Tensor) -> Tensor:
    mean = z.mean(0)
    variance = ((z - mean) ** 2).mean(0)
    return ((variance + mean**2) / 2 - 0.5 * variance.log() - 0.5).mean()


def shown(images: Tensor, alpha: float) -> Tensor:
    """What the data loader gives while a resolution fades in."""
    return images if alpha >= 1 else images * alpha + (1 - alpha) * twice(half(images))


def robust(error: Tensor, shape: Tensor, scale: Tensor) -> Tensor:
    """Barron's negative log-likelihood, from the latent shape and scale of each pixel."""
    alpha = 0.001 + (1.999 - 0.001) * torch.sigmoid(shape)
    offset = torch.log(torch.exp(torch.tensor(1.0)) - 1)
    c = 1e-5 + (1 - 1e-5) * F.softplus(scale + offset)
    rho = (2 - alpha) / alpha * (((error / c) ** 2 / (2 - alpha) + 1) ** (alpha / 2) - 1)
    return (rho + torch.log(c) + log_z(alpha)).mean()


def log_z(alpha: Tensor) -> Tensor:
    """The log of the integral of exp(-rho) over the line, by the trapezoid rule in tan(t)."""
    t = torch.linspace(0, torch.pi / 2, 4001, dtype=torch.float64)[:-1]
    a = alpha.double()[..., None]
    rho = (2 - a) / a * ((torch.tan(t) ** 2 / (2 - a) + 1) ** (a / 2) - 1)
    return (2 * torch.trapezoid(torch.exp(-rho) / torch.cos(t) ** 2, t)).log().to(alpha.dtype)


def encoder_loss(real_z: Tensor, fake_z: Tensor, error: Tensor, margin: float, kind: str) -> Tensor:
    """``error`` comes weighted."""
    real, fake = 0.1 * kl(real_z), -0.1 * kl(fake_z)
    if kind == "automodulator":
        contest = real + fake
        if margin > 0:
            contest = torch.min(torch.tensor(margin / 2), torch.max(torch.tensor(-margin), contest))
        return real + error + contest
    if kind == "balanced" and margin > 0:
        return error + torch.max(torch.tensor(-margin), real + fake)
    return real + error + fake


def decoder_loss(egz: Tensor, z: Tensor, mixed: int = 0) -> Tensor:
    cosine = (2 - egz[mixed:] * z[mixed:]).mean(1).mean()
    return 0.1 * kl(egz) + 100 * cosine
