"""Rendering styles small, and measuring what can be seen in the pictures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces.embedded import EmbeddedDetector
from facemod.models.wavelet.decoder import SLOTS, STYLE_DIM, Decoder
from facemod.models.wavelet.mapping import Mapping
from facemod.models.weights import filled
from facemod.pipeline import to_pixels, to_tensor
from facemod.training.attributes import AttributeNet
from facemod.training.preview import FIRST_FINE_SLOT, RESOLUTION, PreviewDecoder

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
    "pale": ("Pale_Skin", 1),
    "beard": ("No_Beard", -1),
    "moustache": ("Mustache", 1),
    "goatee": ("Goatee", 1),
    "bald": ("Bald", 1),
    "bangs": ("Bangs", 1),
    "wavy": ("Wavy_Hair", 1),
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
}
# What is measured directly: landmarks for the pose, pixels for the light.
DIRECT = ("yaw", "pitch", "skin-light", "backdrop-light")
NAMES = (*LEARNT, *DIRECT)
# The middle of the face, from below the eyes to above the mouth, as parts of the FFHQ square.
SKIN = (slice(int(0.52 * RESOLUTION), int(0.66 * RESOLUTION)),
        slice(int(0.36 * RESOLUTION), int(0.64 * RESOLUTION)))  # fmt: skip
CORNER = RESOLUTION // 6


class Studio:
    """The decoder, exact and as its fast preview, at 128 px."""

    def __init__(self, bundle: Path, preview_head: Path) -> None:
        decoder = filled(Decoder(), bundle / "decoder.safetensors")
        self.mapping = filled(Mapping(), bundle / "mapping.safetensors")
        self.preview = PreviewDecoder(decoder, self.mapping.mean)
        filled(self.preview.convs, preview_head)
        self.preview.requires_grad_(False).eval().to(memory_format=torch.channels_last)
        self.decoder = decoder

    @torch.inference_mode()
    def styles(self, count: int, *, truncation: float, seed: int) -> Tensor:
        """Random styles [count, 16, 512], the same in all slots."""
        noise = torch.randn(count, STYLE_DIM, generator=torch.Generator().manual_seed(seed))
        return self.mapping.truncated(noise, truncation)[:, None].repeat(1, SLOTS, 1)

    @torch.inference_mode()
    def render(self, styles: Tensor, *, exact: bool = False) -> Tensor:
        """Images [N, 3, 128, 128] in [-1, 1]. ``exact`` costs about ten times as much.

        The preview knows the slots of 128 px and finer only roughly.
        """
        if exact:
            full = (self.decoder(style[None]).clamp(-1, 1) for style in styles)
            return torch.cat([F.interpolate(x, (RESOLUTION,) * 2, mode="area") for x in full])
        with torch.autocast("cpu", torch.bfloat16):
            images = [self.preview(part).float() for part in styles.split(8)]
        return torch.cat(images).clamp(-1, 1)


def needs_exact(last_slot: int) -> bool:
    """Whether the preview is too rough to judge edits that reach up to ``last_slot``."""
    return last_slot >= FIRST_FINE_SLOT


class Judge:
    """Scores of pictures by :data:`NAMES`, in standard deviations of real faces."""

    def __init__(self, net: AttributeNet, detector: EmbeddedDetector) -> None:
        self.net, self.detector = net, detector
        self._columns = [net.names.index(word) for word, _ in LEARNT.values()]
        self._signs = torch.tensor([float(sign) for _, sign in LEARNT.values()])
        self._mean, self._deviation = torch.zeros(len(DIRECT)), torch.ones(len(DIRECT))

    def calibrate(self, real: NDArray[np.uint8]) -> None:
        """Take the units of what is measured directly from real faces [N, 128, 128, 3]."""
        direct = self._direct(to_tensor(real)).numpy()
        self._mean = torch.from_numpy(np.nanmean(direct, 0))
        self._deviation = torch.from_numpy(np.nanstd(direct, 0))

    def scores(self, images: Tensor) -> Tensor:
        """Images [N, 3, 128, 128] in [-1, 1] -> [N, names]; NaN where no face was found."""
        learnt = self.net.scores(images)[:, self._columns] * self._signs
        return torch.cat([learnt, (self._direct(images) - self._mean) / self._deviation], dim=1)

    def _direct(self, images: Tensor) -> Tensor:
        direct = [self._direct_one(face) for face in to_pixels(images)]
        return torch.from_numpy(np.stack(direct)).float()

    def _direct_one(self, face: NDArray[np.uint8]) -> NDArray[np.float64]:
        light = face.mean(2)
        corners = (light[:CORNER, :CORNER].mean() + light[:CORNER, -CORNER:].mean()) / 2
        found = self.detector.detect(face)
        best = max(found, key=lambda f: f.verify, default=None)
        pose = (np.nan, np.nan) if best is None else head_pose(best.landmarks)
        return np.array([*pose, light[SKIN].mean(), corners])


def head_pose(landmarks: NDArray[np.float64]) -> tuple[float, float]:
    """How far the nose points to the picture's right and up, in units of the face.

    ``landmarks`` [5, 2]: eyes, nose, mouth corners. A turning head moves the nose off the line
    between the middles of eyes and mouth; a nodding head moves it along that line.
    """
    eyes, mouth = landmarks[:2].mean(0), landmarks[3:].mean(0)
    axis = mouth - eyes
    length = np.hypot(*axis)
    along, across = axis / length, np.array([axis[1], -axis[0]]) / length
    nose = (landmarks[2] - eyes) / length
    return float(nose @ across), -float(nose @ along)


def indices(names: Iterable[str]) -> list[int]:
    """Where ``names`` stand in :data:`NAMES`."""
    return [NAMES.index(name) for name in names]
