"""Weights in eight bits: each row of a matrix, or filter of a convolution, has its own scale.

Half the size of half precision. An error of at most 1/254 of a row's largest weight is nothing
where a network is asked again about its own result, and too much where its pictures are shown.
"""

from __future__ import annotations

import torch
from torch import Tensor

SCALE = ".scale"
STEPS = 127
LEAST = 4096
"""Smaller tensors stay as they are: there is nothing to save."""


def packed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """``state`` with large matrices [rows, ...] as int8, and their scales [rows] beside them."""
    made: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if tensor.is_floating_point() and tensor.ndim > 1 and tensor.numel() >= LEAST:
            scale = (tensor.float().flatten(1).abs().amax(1) / STEPS).clamp_min(1e-12)
            rows = (tensor.float().flatten(1) / scale[:, None]).round()
            made[name] = rows.to(torch.int8).view(tensor.shape)
            made[name + SCALE] = scale
        else:
            made[name] = tensor
    return made


def unpacked(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What :func:`packed` was given, in float32 where it was packed.

    Raises:
        ValueError: a matrix and its scales do not fit together.
    """
    scales = {name.removesuffix(SCALE): t for name, t in tensors.items() if name.endswith(SCALE)}
    state = {name: t for name, t in tensors.items() if not name.endswith(SCALE)}
    for name, scale in scales.items():
        rows = state.get(name)
        if rows is None or rows.dtype != torch.int8 or scale.shape != rows.shape[:1]:
            raise ValueError(f"tensor {name} does not fit its scales")
        state[name] = (rows.flatten(1) * scale.float()[:, None]).view(rows.shape)
    return state
