"""O-Net, the last stage of MTCNN (Zhang et al. 2016, arXiv 1604.02878): five points and a verdict.

Its box regression output is not used here and not part of the weights.
"""

from __future__ import annotations

from torch import Tensor, nn

SIDE = 48


class ONet(nn.Module):
    """Face crops [N, 3, 48, 48], RGB in 0..255, to a face logit [N] and points [N, 5, 2].

    The logit is above 0 where the crop looks like a face. Points are x, y in pixel-centre
    coordinates of the crop: image-left eye, image-right eye, nose, image-left and image-right
    mouth corner.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.PReLU(32),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(32, 64, 3),
            nn.PReLU(64),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(64, 64, 3),
            nn.PReLU(64),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(64, 128, 2),
            nn.PReLU(128),
            nn.Flatten(),
            nn.Linear(128 * 3 * 3, 256),
            nn.PReLU(256),
        )
        self.face = nn.Linear(256, 1)
        self.points = nn.Linear(256, 10)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.features((x - 127.5) / 128)
        return self.face(x)[:, 0], self.points(x).reshape(-1, 5, 2) * SIDE - 0.5
