"""Convolutions by oneDNN where torch has it.

Left to itself, torch takes a slower way for 1x1 kernels on a single image and thread, which is
what batches of photos on a CPU mean. For inference: there are no gradients.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def convolve(
    x: Tensor,
    kernel: Tensor,
    bias: Tensor | None,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
) -> Tensor:
    """A convolution of ``x`` [N, C, H, W], by oneDNN if it can be had there."""
    if x.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return F.conv2d(x, kernel, bias, stride, padding, groups=groups)
    return torch.mkldnn_convolution(
        x, kernel, bias, [padding, padding], [stride, stride], [1, 1], groups
    )


class Conv2d(nn.Conv2d):
    """The layer of that name, without gradients; same stride and padding in both directions."""

    def forward(self, x: Tensor) -> Tensor:
        stride, padding = self.stride[0], int(self.padding[0])
        return convolve(
            x, self.weight, self.bias, stride=stride, padding=padding, groups=self.groups
        )
