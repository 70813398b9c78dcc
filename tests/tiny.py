"""Model files of every sphere family that are small enough to make in a test."""

from __future__ import annotations

from pathlib import Path

import torch

from facemod.models.registry import FORMATS
from facemod.models.sphere import growing
from facemod.models.sphere.model import Facts, write_model

WIDTHS = (8, 8, 8, 6, 4)
LATENT = 12


def write_tiny(folder: Path, family: str, name: str = "tiny", levels: int = 5) -> Path:
    """A model of random weights at 4 << (levels - 1) px; returns its file."""
    widths = WIDTHS[:levels]
    facts = Facts(family, 4 << (levels - 1), widths, widths, LATENT, 1234, "made up", "none")
    torch.manual_seed(5)
    networks = FORMATS[family].networks(facts)
    for network in networks:
        for conv in network.convolutions():
            torch.nn.init.kaiming_normal_(conv.weight)
    for parameter in networks[1].parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, 0.5, 0.3)
    centre = growing.random_latents(1, LATENT, torch.Generator().manual_seed(1))[0]
    path = folder / f"{name}.safetensors"
    write_model(path, facts, networks, centre)
    return path
