"""The precision that networks are worked with: what the machine does fast, and no other.

Processors without bfloat16 instructions compute with it all the same, 20 to 40 times slower than
in float32 (backward through a 1x1 convolution, torch 2.13, AVX2), and oneDNN refuses parts of it.
What torch reports does not tell the two apart on every machine, so a few milliseconds of just
that work decide.
"""

from __future__ import annotations

import time
from functools import cache

import torch
import torch.nn.functional as F

CHANNELS, SIDE, REPEATS = 256, 32, 4
FASTER = 0.8
"""Half precision has to take at most so much of float32's time: it costs accuracy."""


@cache
def working_precision(device: str = "cpu") -> torch.dtype:
    """bfloat16 where this device is clearly faster with it, else float32; measured once."""
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if kind != "cpu":
        return torch.float32
    try:
        half = backward_seconds(torch.bfloat16)
    except RuntimeError:  # oneDNN says that this processor cannot
        return torch.float32
    faster = half < FASTER * backward_seconds(torch.float32)
    return torch.bfloat16 if faster else torch.float32


def backward_seconds(dtype: torch.dtype) -> float:
    """The shortest time of a 1x1 convolution of features and its gradient, on the CPU."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, CHANNELS, SIDE, SIDE, generator=generator).to(dtype)
    kernel = torch.randn(CHANNELS, CHANNELS, 1, 1, generator=generator).to(dtype)
    times = []
    # Gradients are wanted here whatever the caller is doing.
    with torch.inference_mode(False), torch.enable_grad():
        x = x.clone().contiguous(memory_format=torch.channels_last).requires_grad_()
        for _ in range(REPEATS):
            began = time.perf_counter()
            F.conv2d(x, kernel.clone()).sum().backward()
            times.append(time.perf_counter() - began)
    return min(times)


def autocast(device: torch.device | str) -> torch.autocast:
    """Mixed precision as the device does it fast; changes nothing where that is float32."""
    dtype = working_precision(str(device))
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=dtype is torch.bfloat16)
