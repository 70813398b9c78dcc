"""The detector that needs nothing but its two bundled networks.

YuNet proposes boxes on scaled down copies of the photo. Its points are too coarse to align a
face and it mistakes some animals for people, so O-Net looks at each proposal upright: it
places the points again, and its verdict on the result decides whether this is a face at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces import affine
from facemod.faces.align import ffhq_square
from facemod.faces.face import Face, roll
from facemod.faces.mipmaps import Mipmaps
from facemod.faces.onet import SIDE, ONet
from facemod.faces.yunet import YuNet, propose
from facemod.weights.files import filled

Array = NDArray[np.float64]

PYRAMID = (320, 640, 1280)
MIN_SCORE = 0.6
MAX_OVERLAP = 0.4
MIN_VERIFY = 2.5
# Looking at every rotation gives every texture more chances, and few faces are turned.
TURNED_EXTRA = 1.5
# YuNet misses a fifth of the faces that lie on their side, so the first pyramid levels are also
# shown turned by 90 degrees. It sees upside down faces as well as upright ones.
LYING_LEVELS = 2
# Points that were turned by more degrees than this when refined are refined again.
LOOK_AGAIN_ABOVE = 8.0
# A proposal verified less than this may be a rotated face. Another rotation has to win clearly:
# taking the best of all of them would turn one upright face in fifty.
SEARCH_BELOW, SEARCH_MUST_WIN_BY = 6.0, 2.0
SEARCH_ANGLES = np.arange(0.0, 360.0, 45.0)
# O-Net's points are the mean over these sizes of its view, each also mirrored.
VIEW_SIZES = (0.93, 1.0, 1.07)
MIRRORED = [1, 0, 2, 4, 3]
# FFHQ was cropped by other landmarks; O-Net's lie above those by this part of the FFHQ square.
FFHQ_OFFSET = 0.0055
ONET_BATCH = 96


class EmbeddedDetector:
    """YuNet and O-Net. Finds faces of about 14 px and more, at any in-plane rotation."""

    name = "embedded"

    def __init__(
        self,
        device: str | torch.device = "cpu",
        *,
        min_verify: float = MIN_VERIFY,
        pyramid: Sequence[int] = PYRAMID,
    ) -> None:
        """``min_verify`` 2.5 rejects every animal and object that was tried; 0 lets pets pass."""
        self.device = torch.device(device)
        self.min_verify = min_verify
        self.pyramid = pyramid
        self._yunet = _load(YuNet(), "yunet").to(self.device, memory_format=torch.channels_last)
        self._onet = _load(ONet(), "onet").to(self.device)

    @torch.inference_mode()
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces of an upright photo [H, W, 3], left to right; any size, down to 1 x 1."""
        photo = Mipmaps(rgb)
        found = self._propose(photo)
        points, verify = self._refine(photo, found[:, 5:].reshape(-1, 5, 2))
        weak = np.flatnonzero(verify < SEARCH_BELOW)
        turned, turned_verify = self._refine(photo, self._search(photo, found[weak, :4]))
        wins = turned_verify > verify[weak] + SEARCH_MUST_WIN_BY
        points[weak[wins]], verify[weak[wins]] = turned[wins], turned_verify[wins]
        needed = self.min_verify + TURNED_EXTRA * np.array([abs(roll(p)) > 45 for p in points])
        kept = [i for i in _distinct(points, verify) if verify[i] >= needed[i]]
        kept.sort(key=lambda i: tuple(points[i].mean(0)))
        return [
            Face(
                index=number,
                box=tuple(found[i, :4].tolist()),
                landmarks=_to_ffhq(points[i]),
                score=float(found[i, 4]),
                verify=float(verify[i]),
                backend=self.name,
            )
            for number, i in enumerate(kept, start=1)
        ]

    def _propose(self, photo: Mipmaps) -> Array:
        """Boxes, scores and points [K, 15] in the photo, over all sizes of the pyramid."""
        longer = max(photo.width, photo.height)
        sides = [s for i, s in enumerate(self.pyramid) if i == 0 or self.pyramid[i - 1] < longer]
        found = [self._propose_in(photo, side) for side in sides]
        found += [self._propose_in(photo, side, lying=True) for side in sides[:LYING_LEVELS]]
        return _suppress(np.concatenate(found))

    def _propose_in(self, photo: Mipmaps, side: int, *, lying: bool = False) -> Array:
        """Proposals [K, 15] from a view of at most ``side`` px, or from that view turned by 90."""
        view = photo.fitted(side)
        shown = np.rot90(view) if lying else view
        maps = self._yunet(_yunet_input(shown, self.device))
        proposals = propose(maps, MIN_SCORE).double().cpu().numpy()
        if lying:
            proposals = _turned_back(proposals, view.shape[1])
        factors = np.array([photo.width / view.shape[1], photo.height / view.shape[0]])
        for x in (0, 2, 5, 7, 9, 11, 13):
            proposals[:, x : x + 2] = (proposals[:, x : x + 2] + 0.5) * factors - 0.5
        return proposals

    def _refine(self, photo: Mipmaps, points: Array) -> tuple[Array, Array]:
        """O-Net's points [N, 5, 2] around given ones, and its verdict [N] on the result."""
        refined = self._refine_once(photo, points)
        restless = np.flatnonzero(_turn(points, refined) > LOOK_AGAIN_ABOVE)
        refined[restless] = self._refine_once(photo, refined[restless])
        verdict, _ = self._look(photo, [affine.square(*_window(p), SIDE) for p in refined])
        return refined, verdict

    def _refine_once(self, photo: Mipmaps, points: Array) -> Array:
        views = [
            affine.square(centre, degrees, side * size, SIDE)
            for centre, degrees, side in map(_window, points)
            for size in VIEW_SIZES
        ]
        _, refined = self._look(photo, views)
        return refined.reshape(-1, len(VIEW_SIZES), 5, 2).mean(1)

    def _search(self, photo: Mipmaps, boxes: Array) -> Array:
        """O-Net's points [N, 5, 2] at the best of eight rotations of each box [N, 4]."""
        views = [
            affine.square((box[:2] + box[2:]) / 2, angle, 1.2 * _mean_side(box), SIDE)
            for box in boxes
            for angle in SEARCH_ANGLES
        ]
        verdict, points = self._look(photo, views, mirror=False)
        # A view from the right angle shows a face that stands upright in it.
        tilt = np.array([roll(p) for p in points]) - np.tile(SEARCH_ANGLES, len(boxes))
        merit = verdict - 0.02 * np.abs((tilt + 180) % 360 - 180)
        best = merit.reshape(-1, len(SEARCH_ANGLES)).argmax(1)
        return points.reshape(-1, len(SEARCH_ANGLES), 5, 2)[np.arange(len(boxes)), best]

    def _look(
        self, photo: Mipmaps, views: list[affine.Matrix], *, mirror: bool = True
    ) -> tuple[Array, Array]:
        """O-Net on square views of the photo: verdict [M] and points [M, 5, 2] in the photo."""
        if not views:
            return np.zeros(0), np.zeros((0, 5, 2))
        pixels = np.stack([photo.square(view, SIDE) for view in views])
        verdict, points = self._run_onet(torch.from_numpy(pixels), mirror)
        mapped = [affine.apply(view, p) for view, p in zip(views, points, strict=True)]
        return verdict, np.stack(mapped)

    def _run_onet(self, pixels: Tensor, mirror: bool) -> tuple[Array, Array]:
        """Verdict [M] and points [M, 5, 2] for views [M, 48, 48, 3], in batches."""
        verdicts, points = [], []
        for batch in pixels.split(ONET_BATCH):
            images = batch.to(self.device).permute(0, 3, 1, 2).float()
            verdict, point = self._onet(images)
            if mirror:
                flipped_verdict, flipped = self._onet(images.flip(3))
                flipped[..., 0] = SIDE - 1 - flipped[..., 0]
                verdict = (verdict + flipped_verdict) / 2
                point = (point + flipped[:, MIRRORED]) / 2
            verdicts.append(verdict.double().cpu())
            points.append(point.double().cpu())
        return torch.cat(verdicts).numpy(), torch.cat(points).numpy()


def _load(network: YuNet | ONet, name: str) -> YuNet | ONet:
    path = Path(__file__).with_name(f"{name}.safetensors")
    return filled(network, path).eval()


def _yunet_input(view: NDArray[np.uint8], device: torch.device) -> Tensor:
    """BGR [1, 3, H, W], padded with black to multiples of 32."""
    image = torch.from_numpy(view[..., ::-1].copy()).to(device).permute(2, 0, 1)[None].float()
    image = F.pad(image, (0, -image.shape[3] % 32, 0, -image.shape[2] % 32))
    return image.contiguous(memory_format=torch.channels_last)


def _turned_back(proposals: Array, width: int) -> Array:
    """Proposals [K, 15] in a view turned by 90 degrees, in the upright view ``width`` px wide."""
    turned = proposals.copy()
    for x in (0, 2, 5, 7, 9, 11, 13):
        turned[:, x] = width - 1 - proposals[:, x + 1]
        turned[:, x + 1] = proposals[:, x]
    turned[:, [0, 2]] = turned[:, [2, 0]]
    return turned


def _turn(before: Array, after: Array) -> Array:
    """By how many degrees faces [N, 5, 2] were turned, 0..180."""
    turns = [roll(b) - roll(a) for b, a in zip(before, after, strict=True)]
    return np.abs((np.array(turns) + 180) % 360 - 180)


def _suppress(found: Array) -> Array:
    """Non-maximum suppression of proposals [K, 15], best score first."""
    found = found[np.argsort(-found[:, 4], kind="stable")]
    kept = []
    while len(found):
        best, found = found[0], found[1:]
        kept.append(best)
        width = np.minimum(best[2], found[:, 2]) - np.maximum(best[0], found[:, 0])
        height = np.minimum(best[3], found[:, 3]) - np.maximum(best[1], found[:, 1])
        shared = width.clip(0) * height.clip(0)
        areas = (found[:, 2] - found[:, 0]) * (found[:, 3] - found[:, 1])
        union = (best[2] - best[0]) * (best[3] - best[1]) + areas - shared
        found = found[shared <= MAX_OVERLAP * union]
    return np.array(kept).reshape(-1, 15)


def _mean_side(box: Array) -> float:
    width, height = box[2:] - box[:2]
    return math.sqrt(width * height)


def _window(points: Array) -> tuple[Array, float, float]:
    """The square in which O-Net sees a face best: its centre, rotation in degrees and side."""
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    between_eyes = float(np.hypot(*(points[1] - points[0])))
    eyes_to_mouth = float(np.hypot(*(mouth - eyes)))
    # Points that collapsed or exploded belong to no face; O-Net will say so.
    side = float(np.clip(0.9 * max(2.45 * between_eyes, 2.65 * eyes_to_mouth), 4, 1e5))
    degrees = roll(points)
    turn = math.radians(degrees)
    up = np.array([math.sin(turn), -math.cos(turn)])
    return (eyes + mouth) / 2 + 0.02 * side * up, degrees, side


def _distinct(points: Array, verify: Array) -> list[int]:
    """The faces that are not a worse verified copy of another one.

    A close-up also makes the detector fire on parts of itself at the finest pyramid level.
    """
    windows = [_window(p) for p in points]
    kept: list[int] = []
    for i in np.argsort(-verify, kind="stable").tolist():
        centre, _, side = windows[i]
        if all(np.hypot(*(centre - windows[j][0])) > 0.5 * max(side, windows[j][2]) for j in kept):
            kept.append(i)
    return kept


def _to_ffhq(points: Array) -> Array:
    """O-Net's points moved down the face, to where the landmarks behind FFHQ lie."""
    _, half_width = ffhq_square(points)
    down = np.array([-half_width[1], half_width[0]])
    return points + 2 * FFHQ_OFFSET * down
