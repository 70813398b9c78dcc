"""Small runs of every recipe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from lightning_fabric import Fabric

from facemod.training.introspective.options import ModelOptions, planned
from facemod.training.introspective.pictures import Pictures
from facemod.training.introspective.trainer import Trainer

TINY = {"resolution": 16, "channels": "8,8,4", "latent": 8, "batch": 4}
Build = Callable[[Fabric], Trainer]


@pytest.fixture
def builder(tmp_path: Path) -> Callable[..., Build]:
    """Makes what the loop asks for: a function from a fabric to a tiny trainer."""
    rng = np.random.default_rng(0)
    shades = rng.integers(0, 256, (12, 1, 1, 3)) + rng.integers(-9, 9, (12, 32, 32, 3))
    path = tmp_path / "pictures.bin"
    path.write_bytes(shades.clip(0, 255).astype(np.uint8).tobytes())

    def make(recipe: str, **changes: object) -> Build:
        options = ModelOptions(recipe=recipe, **(TINY | changes))
        return lambda fabric: Trainer(planned(options), options, Pictures(path, 32), fabric)

    return make
