"""A cheap 128 px stand-in for the 1024 px decoder, for training only.

It keeps the decoder's first four blocks as they are (up to 64 px) and replaces the expensive
rest by a narrow styled head at 64 px that sees the fine styles and ends in an inverse Haar
transform. It renders about thirty times faster, which is what makes sampling on the fly and
gradients through the decoder affordable on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM, Decoder, inverse_haar

RESOLUTION = 128
EXACT_BLOCKS = 4
FIRST_FINE_SLOT = 1 + 2 * EXACT_BLOCKS


class FineConv(nn.Module):
    """A separable convolution whose input channels all fine styles scale together."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.scale = nn.Linear((SLOTS - FIRST_FINE_SLOT) * STYLE_DIM, c_in)
        nn.init.zeros_(self.scale.weight)
        nn.init.ones_(self.scale.bias)
        self.depthwise = nn.Conv2d(c_in, c_in, 3, padding=1, groups=c_in, bias=False)
        self.pointwise = nn.Conv2d(c_in, c_out, 1)

    def forward(self, x: Tensor, fine: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x * self.scale(fine)[:, :, None, None]))


class PreviewDecoder(nn.Module):
    """Styles [N, 16, 512] -> images [N, 3, 128, 128] close to the downsampled full decode."""

    def __init__(self, decoder: Decoder, mean_style: Tensor, width: int = 128) -> None:
        super().__init__()
        self.decoder = decoder.requires_grad_(False)
        self.register_buffer("mean_style", mean_style.clone())
        self.convs = nn.ModuleList(
            [FineConv(512, width), FineConv(width, width), FineConv(width, 12)]
        )

    def head(self, features: Tensor, styles: Tensor) -> Tensor:
        """The image from the 64 px feature map; only this part is trained."""
        fine = (styles[:, FIRST_FINE_SLOT:] - self.mean_style).flatten(1)
        for conv in self.convs[:-1]:
            features = F.leaky_relu(conv(features, fine), 0.2)
        return inverse_haar(self.convs[-1](features, fine))

    def forward(self, styles: Tensor) -> Tensor:
        return self.head(self.decoder.features(styles, EXACT_BLOCKS), styles)


def fit(
    preview: PreviewDecoder,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    steps: int,
    learning_rate: float = 3e-3,
) -> Iterator[float]:
    """Train the head on (styles, full decode area-averaged to 128 px) batches.

    Yields the mean squared error of each step; the learning rate decays linearly to zero.
    """
    optimizer = torch.optim.Adam(
        [
            {"params": [p for n, p in preview.convs.named_parameters() if "scale" not in n]},
            # The fine styles are 3,584 numbers of which few samples are seen: move them slowly.
            {
                "params": [p for n, p in preview.convs.named_parameters() if "scale" in n],
                "lr": learning_rate / 20,
            },
        ],
        lr=learning_rate,
    )
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, total_iters=steps)
    for _, (styles, target) in zip(range(steps), batches, strict=False):
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                features = preview.decoder.features(styles, EXACT_BLOCKS)
            image = preview.head(features, styles)
        loss = F.mse_loss(image.float(), target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        decay.step()
        yield float(loss.detach())
