"""Toy presets for the fake model."""

from __future__ import annotations

from pathlib import Path

import torch
from fakes import COLOURS, RESOLUTIONS

from facemod.weights.files import save_weights

TOYS = {
    "smile": {"slots": [3, 8], "range": [-3, 3], "panel": "Expression", "colour": 0},
    "age": {"slots": [9, 15], "range": [-2, 2], "panel": "Face", "colour": 2},
}


def write_toy_presets(folder: Path) -> Path:
    """``smile`` reddens the middle band of the fake model, ``age`` makes the bottom one blue."""
    for name, toy in TOYS.items():
        direction = torch.zeros(len(RESOLUTIONS), COLOURS)
        first, last = toy["slots"]
        direction[first : last + 1, toy["colour"]] = 0.25
        facts = {
            "name": name,
            "meaning": f"more {name}",
            "panel": toy["panel"],
            "range": toy["range"],
            "slots": toy["slots"],
            "family": "wavelet",
            "guards": [],
            "effects": {name: 1.0},
            "source": "made up",
            "level_centre": 0.0,
        }
        # The level is the mean of the colour, in units of the direction.
        tensors = {"direction": direction, "level": direction / direction.square().sum()}
        save_weights(folder / f"{name}.safetensors", tensors, facts)
    return folder
