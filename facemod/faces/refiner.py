"""O-Net's second look: it places the points of a face again, and says whether it is one."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facemod.faces import affine
from facemod.faces.face import roll
from facemod.faces.mipmaps import Mipmaps
from facemod.faces.onet import SIDE, ONet

Array = NDArray[np.float64]

# Points that were turned by more degrees than this when refined are refined again.
LOOK_AGAIN_ABOVE = 8.0
SEARCH_ANGLES = np.arange(0.0, 360.0, 45.0)
# O-Net's points are the mean over these sizes of its view, each also mirrored.
VIEW_SIZES = (0.93, 1.0, 1.07)
MIRRORED = [1, 0, 2, 4, 3]
ONET_BATCH = 96


class Refiner:
    """Shows O-Net faces upright."""

    def __init__(self, network: ONet, device: torch.device) -> None:
        self._network = network.to(device)
        self._device = device

    def __call__(self, photo: Mipmaps, points: Array) -> tuple[Array, Array]:
        """O-Net's points [N, 5, 2] around given ones, and its verdict [N] on the result."""
        refined = self._refine_once(photo, points)
        restless = np.flatnonzero(_turn(points, refined) > LOOK_AGAIN_ABOVE)
        refined[restless] = self._refine_once(photo, refined[restless])
        verdict, _ = self._look(photo, [affine.square(*window(p), SIDE) for p in refined])
        return refined, verdict

    def _refine_once(self, photo: Mipmaps, points: Array) -> Array:
        views = [
            affine.square(centre, degrees, side * size, SIDE)
            for centre, degrees, side in map(window, points)
            for size in VIEW_SIZES
        ]
        _, refined = self._look(photo, views)
        return refined.reshape(-1, len(VIEW_SIZES), 5, 2).mean(1)

    def search(self, photo: Mipmaps, boxes: Array) -> Array:
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
            images = batch.to(self._device).permute(0, 3, 1, 2).float()
            verdict, point = self._network(images)
            if mirror:
                flipped_verdict, flipped = self._network(images.flip(3))
                flipped[..., 0] = SIDE - 1 - flipped[..., 0]
                verdict = (verdict + flipped_verdict) / 2
                point = (point + flipped[:, MIRRORED]) / 2
            verdicts.append(verdict.double().cpu())
            points.append(point.double().cpu())
        return torch.cat(verdicts).numpy(), torch.cat(points).numpy()


def _turn(before: Array, after: Array) -> Array:
    """By how many degrees faces [N, 5, 2] were turned, 0..180."""
    turns = [roll(b) - roll(a) for b, a in zip(before, after, strict=True)]
    return np.abs((np.array(turns) + 180) % 360 - 180)


def _mean_side(box: Array) -> float:
    width, height = box[2:] - box[:2]
    return math.sqrt(width * height)


def window(points: Array) -> tuple[Array, float, float]:
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
