"""Decoder samples with known styles: drawn, rendered small, and remembered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.mapping import Mapping

SIDE = 128
TRUNCATION = (0.4, 1.0)


def draw_styles(mapping: Mapping, count: int, rng: np.random.Generator) -> Tensor:
    """Styles [count, 16, 512] as users' photos may need: single or mixed, truncated."""
    mean = mapping.mean
    truncation = torch.from_numpy(rng.uniform(*TRUNCATION, (count, 1))).to(mean)
    noises = torch.randn(2, count, STYLE_DIM, device=mean.device)
    a, b = (mean + truncation * (mapping(noise) - mean) for noise in noises)
    cut = torch.from_numpy(rng.integers(1, 2 * SLOTS, (count, 1, 1))).to(mean.device)
    slots = torch.arange(SLOTS, device=mean.device)[None, :, None]
    return torch.where(slots < cut, a[:, None], b[:, None])


class ExactRenderer(nn.Module):
    """Styles [N, 16, 512] -> what the full decoder shows, area-averaged [N, 3, side, side]."""

    def __init__(self, decoder: Decoder, side: int = SIDE) -> None:
        super().__init__()
        self.decoder, self.side = decoder, side

    def forward(self, styles: Tensor) -> Tensor:
        return F.interpolate(self.decoder(styles), (self.side, self.side), mode="area")


class Replay:
    """The last samples that were rendered, in files, to be learnt from again.

    The files are a ring with a margin as large as what is rendered between two checkpoints: what
    a checkpoint remembers is still there when the run was killed later and resumes.
    """

    def __init__(self, files: Path, capacity: int, margin: int, side: int = SIDE) -> None:
        """``files`` is the common beginning of the files' names; a capacity of 0 needs none."""
        self.capacity, self._ring = capacity, capacity + margin
        self._first = self._written = 0
        self._lost = False  # whether the files had to be made anew
        if capacity:
            files.parent.mkdir(parents=True, exist_ok=True)
            self._styles = self._open(f"{files}-styles.bin", np.float16, (SLOTS, STYLE_DIM))
            self._images = self._open(f"{files}-images.bin", np.uint8, (3, side, side))

    def _open(self, name: str, kind: type, shape: tuple[int, ...]) -> np.memmap:
        path, full = Path(name), (self._ring, *shape)
        size = int(np.prod(full)) * np.dtype(kind).itemsize
        there = path.exists() and path.stat().st_size == size
        self._lost |= not there
        return np.memmap(path, kind, "r+" if there else "w+", shape=full)

    def state(self) -> dict[str, int]:
        """What a checkpoint has to hold besides the files."""
        if self.capacity:
            self._styles.flush()
            self._images.flush()
        return {"first": self._first, "written": self._written}

    def resume(self, state: dict[str, int]) -> None:
        """Go on from a state; without its files, from an empty memory."""
        self._written = state["written"]
        self._first = self._written if self._lost else state["first"]

    def extended(
        self, styles: Tensor, images: Tensor, count: int, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Remember a fresh batch and return it with up to ``count`` remembered samples added."""
        low = max(self._first, self._written - self.capacity)
        if self.capacity and self._written > low:
            chosen = rng.integers(low, self._written, count) % self._ring
            old_styles = torch.from_numpy(self._styles[chosen]).to(styles)
            old_images = torch.from_numpy(self._images[chosen]).to(images.device).to(images)
            together = (torch.cat([styles, old_styles]),
                        torch.cat([images, old_images / 127.5 - 1]))  # fmt: skip
        else:
            together = styles, images
        self._remember(styles, images)
        return together

    def _remember(self, styles: Tensor, images: Tensor) -> None:
        if self.capacity:
            places = np.arange(self._written, self._written + len(styles)) % self._ring
            self._styles[places] = styles.half().cpu().numpy()
            self._images[places] = ((images + 1) * 127.5).round().byte().cpu().numpy()
        self._written += len(styles)
