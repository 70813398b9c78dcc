"""Measuring what can be seen in small pictures of faces, and how it changes.

Three kinds of measures, all in standard deviations of natural faces: what an attribute network
sees, light and colour of places of the aligned face, and motion between two pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from facemod.training.judges.attributes import AttributeNet
from facemod.training.judges.motion import MOTIONS, motions

# What is measured with the network: our name, the network's, and the sign.
LEARNT = {
    "smile": ("Smiling", 1),
    "mouth-open": ("Mouth_Slightly_Open", 1),
    "eyes-narrow": ("Narrow_Eyes", 1),
    "age": ("Age", 1),
    "gender": ("Male", -1),
    "chubby": ("Chubby", 1),
    "double-chin": ("Double_Chin", 1),
    "eye-bags": ("Bags_Under_Eyes", 1),
    "big-nose": ("Big_Nose", 1),
    "pointy-nose": ("Pointy_Nose", 1),
    "big-lips": ("Big_Lips", 1),
    "bushy-brows": ("Bushy_Eyebrows", 1),
    "arched-brows": ("Arched_Eyebrows", 1),
    "high-cheeks": ("High_Cheekbones", 1),
    "pale": ("Pale_Skin", 1),
    "beard": ("No_Beard", -1),
    "stubble": ("5_o_Clock_Shadow", 1),
    "moustache": ("Mustache", 1),
    "goatee": ("Goatee", 1),
    "bald": ("Bald", 1),
    "receding": ("Receding_Hairline", 1),
    "bangs": ("Bangs", 1),
    "wavy": ("Wavy_Hair", 1),
    "straight": ("Straight_Hair", 1),
    "hair-black": ("Black_Hair", 1),
    "hair-blond": ("Blond_Hair", 1),
    "hair-brown": ("Brown_Hair", 1),
    "hair-gray": ("Gray_Hair", 1),
    "glasses": ("Eyeglasses", 1),
    "hat": ("Wearing_Hat", 1),
    "earrings": ("Wearing_Earrings", 1),
    "makeup": ("Heavy_Makeup", 1),
    "lipstick": ("Wearing_Lipstick", 1),
    "rosy-cheeks": ("Rosy_Cheeks", 1),
    "looks-white": ("White", 1),
    "looks-black": ("Black", 1),
    "looks-asian": ("Asian", 1),
    "looks-indian": ("Indian", 1),
}
# Places of the 128 px FFHQ square: left, top, right, bottom. Left is the picture's left.
PLACES = {
    "all": (0, 0, 128, 128),
    "skin": (46, 66, 82, 84),
    "left-cheek": (36, 68, 52, 90),
    "right-cheek": (76, 68, 92, 90),
    "forehead": (46, 28, 82, 42),
    "brows": (36, 45, 92, 55),
    "mouth": (52, 91, 76, 103),
    "left-corner": (0, 0, 20, 20),
    "right-corner": (108, 0, 128, 20),
    "left-side": (16, 90, 28, 124),
    "right-side": (100, 90, 112, 124),
    "hair": (44, 4, 84, 16),
    "left-iris": (44, 56, 52, 64),
    "right-iris": (76, 56, 84, 64),
}
LIGHTS = (
    "skin-light", "exposure", "side-light", "warmth", "lip-red", "cheek-red", "brow-dark",
    "backdrop-light", "backdrop-detail", "lower-sides", "hair-light", "hair-warm", "eye-blue",
    "backdrop-warm",
)  # fmt: skip
STILL = (*LEARNT, *LIGHTS)
NAMES = (*STILL, *MOTIONS)


class Judge:
    """Scores of pictures by :data:`STILL` and changes by :data:`NAMES`.

    ``units`` are the standard deviations of what the network does not measure, by name.
    """

    def __init__(self, net: AttributeNet, units: Mapping[str, float] | None = None) -> None:
        self.net = net
        self.units = torch.tensor([(units or {}).get(name, 1.0) for name in NAMES])
        self._columns = [net.names.index(word) for word, _ in LEARNT.values()]
        self._signs = torch.tensor([float(sign) for _, sign in LEARNT.values()])

    def scores(self, images: Tensor) -> Tensor:
        """Images [N, 3, 128, 128] in [-1, 1] -> [N, still]."""
        learnt = self.net.scores(images)[:, self._columns] * self._signs
        return torch.cat([learnt, lights(images)], dim=1) / self.units[: len(STILL)]

    def changes(self, before: Tensor, after: Tensor) -> Tensor:
        """What changed from ``before`` to ``after`` [N, 3, 128, 128] -> [N, names]."""
        still = self.scores(after) - self.scores(before)
        return torch.cat([still, motions(before, after) / self.units[len(STILL) :]], dim=1)


def lights(images: Tensor) -> Tensor:
    """Light and colour of images [N, 3, 128, 128] in [-1, 1] -> [N, lights]."""
    place = {name: _cut(images, box).mean((2, 3)) for name, box in PLACES.items()}
    light = {name: colour.mean(1) for name, colour in place.items()}
    corners = [_cut(images, PLACES[f"{side}-corner"]).mean(1) for side in ("left", "right")]
    detail = sum(c.diff(dim=1).abs().mean((1, 2)) + c.diff(dim=2).abs().mean((1, 2))
                 for c in corners)  # fmt: skip
    red = {name: colour[:, 0] - colour[:, 1] for name, colour in place.items()}
    warm = {name: colour[:, 0] - colour[:, 2] for name, colour in place.items()}
    cheeks = (red["left-cheek"] + red["right-cheek"]) / 2
    found = (
        light["skin"],
        light["all"],
        light["right-cheek"] - light["left-cheek"],
        warm["skin"],
        red["mouth"] - cheeks,
        cheeks - red["forehead"],
        light["forehead"] - light["brows"],
        (light["left-corner"] + light["right-corner"]) / 2,
        detail.clamp(min=1e-3).log(),
        (light["left-side"] + light["right-side"]) / 2,
        light["hair"],
        warm["hair"],
        warm["skin"] - (warm["left-iris"] + warm["right-iris"]) / 2,
        (warm["left-corner"] + warm["right-corner"]) / 2,
    )
    return torch.stack(found, dim=1)


def _cut(images: Tensor, box: tuple[int, int, int, int]) -> Tensor:
    left, top, right, bottom = box
    return images[:, :, top:bottom, left:right]


def indices(names: Iterable[str]) -> list[int]:
    """Where ``names`` stand in :data:`NAMES`."""
    return [NAMES.index(name) for name in names]
