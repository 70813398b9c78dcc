"""A face-identity network: what a fit watches beside the pixels, so that a person stays this one.

MobileFaceNet (Chen et al. 2018) with the layer names of the widely used PyTorch port, so that
its published checkpoint (CASIA-WebFace, 99.3 % on LFW) loads as it is.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.models.wavelet.likeness import Bottleneck, ConvBlock

# (expansion, channels, repeats, stride of the first)
SETTING = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
FEATURE_BLOCKS = (4, 11, 14)
# The SphereFace crop (112 x 96) as a box of the FFHQ square: left, top, width, height.
SPHEREFACE_BOX = (0.165, 0.112, 0.670, 0.781)
MINIMUM_SIDE = 128


class MobileFaceNet(nn.Module):
    """Faces [N, 3, 112, 96] in [-1, 1] -> embeddings [N, 128], not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = ConvBlock(3, 64, 3, 2, 1)
        self.dw_conv1 = ConvBlock(64, 64, 3, 1, 1, depthwise=True)
        blocks, channels = [], 64
        for expansion, width, repeats, stride in SETTING:
            for i in range(repeats):
                blocks.append(Bottleneck(channels, width, stride if i == 0 else 1, expansion))
                channels = width
        self.blocks = nn.Sequential(*blocks)
        self.conv2 = ConvBlock(128, 512, 1)
        self.linear7 = ConvBlock(512, 512, (7, 6), depthwise=True, linear=True)
        self.linear1 = ConvBlock(512, 128, 1, linear=True)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The embedding and three intermediate feature maps, for a perceptual loss."""
        x = self.dw_conv1(self.conv1(x))
        features = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in FEATURE_BLOCKS:
                features.append(x)
        return self.linear1(self.linear7(self.conv2(x))).flatten(1), features


class Identity(nn.Module):
    """Identity embeddings of FFHQ-aligned faces of any size."""

    def __init__(self, net: MobileFaceNet) -> None:
        super().__init__()
        self.net = net
        self.requires_grad_(False).eval()

    def forward(self, faces: Tensor) -> tuple[Tensor, list[Tensor]]:
        """FFHQ squares [N, 3, S, S] in [-1, 1] -> unit embeddings [N, 128], feature maps."""
        embedding, features = self.net(sphereface_crop(faces))
        return F.normalize(embedding), features


def sphereface_crop(faces: Tensor) -> Tensor:
    """Cut [N, 3, 112, 96] out of FFHQ squares, antialiased and differentiable."""
    if faces.shape[-1] > MINIMUM_SIDE:
        faces = F.interpolate(faces, (MINIMUM_SIDE, MINIMUM_SIDE), mode="area")
    left, top, width, height = SPHEREFACE_BOX
    x = (2 * (left + width * (torch.arange(96) + 0.5) / 96) - 1).to(faces)
    y = (2 * (top + height * (torch.arange(112) + 0.5) / 112) - 1).to(faces)
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    return F.grid_sample(faces, grid.expand(len(faces), -1, -1, -1), align_corners=False)
