"""Small networks that tell the attributes of a face.

They are measuring instruments for training and evaluation, and not shipped. They look at 64 px,
at which CelebA's soft pictures and the decoder's sharp ones look alike. There are two, of
different build: what one has taught is measured with the other
(:mod:`facemod.training.judges.teach_attributes`).
"""

from __future__ import annotations

import itertools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facemod.weights.files import fill, load_weights

RESOLUTION = 64
AGE = "Age"
MALE = "Male"
# UTKFace's words for ethnicity, in the order of the numbers in its file names; "other" is left
# out. They are one annotator's guesses, used only to hold edits away from what looks like them.
ETHNICITIES = ("White", "Black", "Asian", "Indian")


def plain_features() -> nn.Sequential:
    """Pairs of convolutions; [N, 3, 64, 64] -> [N, 3072]."""
    widths = (3, 32, 64, 128, 192)  # channels at 64, 32, 16, 8 and 4 px
    layers: list[nn.Module] = []
    for c_in, c_out in itertools.pairwise(widths):
        layers += [*_layer(c_in, c_out, stride=2), *_layer(c_out, c_out)]
    return nn.Sequential(*layers, nn.Flatten())


class Unit(nn.Module):
    """A residual pair of convolutions that halves the resolution."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_layer(c_in, c_out), *_layer(c_out, c_out, stride=2)[:-1])
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(c_in, c_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def residual_features() -> nn.Sequential:
    """Residual units and an average over quarters of the map; [N, 3, 64, 64] -> [N, 896]."""
    stem = _layer(3, 24, stride=2)
    units = (Unit(24, 56), Unit(56, 128), Unit(128, 224))
    return nn.Sequential(*stem, *units, nn.AdaptiveAvgPool2d(2), nn.Flatten())


BUILDS = {"plain": (plain_features, 192 * 16), "residual": (residual_features, 224 * 4)}


class AttributeNet(nn.Module):
    """Aligned faces -> one number per attribute: logits for words, and the age as the last.

    ``mean`` and ``deviation`` are those of the outputs over real faces.
    """

    def __init__(self, names: tuple[str, ...], build: str = "plain") -> None:
        super().__init__()
        self.names = names
        make, width = BUILDS[build]
        self.features = make()
        self.hidden = nn.Linear(width, 256)
        self.outputs = nn.Linear(256, len(names))
        self.register_buffer("mean", torch.zeros(len(names)))
        self.register_buffer("deviation", torch.ones(len(names)))

    def forward(self, faces: Tensor) -> Tensor:
        """Faces [N, 3, 64, 64] in [-1, 1] -> outputs [N, attributes]."""
        x = F.dropout(self.features(faces), 0.3, self.training)
        return self.outputs(F.relu(self.hidden(x)))

    def scores(self, faces: Tensor) -> Tensor:
        """Faces [N, 3, S, S] in [-1, 1] -> [N, attributes], in deviations of real faces."""
        batches = reduced(faces).split(256)
        return (torch.cat([self(batch) for batch in batches]) - self.mean) / self.deviation


def _layer(c_in: int, c_out: int, stride: int = 1) -> list[nn.Module]:
    conv = nn.Conv2d(c_in, c_out, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(c_out), nn.ReLU(inplace=True)]


def reduced(faces: Tensor) -> Tensor:
    """Faces [N, 3, S, S] at the 64 px that the networks look at."""
    return F.interpolate(faces, (RESOLUTION, RESOLUTION), mode="area")


def load(path: Path) -> AttributeNet:
    """A trained network from its file."""
    state, config = load_weights(path)
    net = AttributeNet(tuple(config["attributes"]), config["build"]).eval()
    fill(net, state, path)
    return net.requires_grad_(False)
