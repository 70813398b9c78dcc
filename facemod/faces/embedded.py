"""The detector that needs nothing but its two bundled networks.

YuNet proposes boxes. Its points are too coarse to align a face and it mistakes some animals for
people, so O-Net looks at each proposal upright: it places the points again, and its verdict on the
result decides whether this is a face at all.

YuNet sees all of the photo once, scaled down. What that leaves in doubt it sees again, closer and
turned. Where nobody is close to the camera it also sees the photo at twice that size, in those
parts that have detail of which nothing was to be seen before; and where nobody was found, all of
it at half that size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from facemod.faces.align import ffhq_square
from facemod.faces.face import Face, roll
from facemod.faces.following import beside, near, proposals_of
from facemod.faces.mipmaps import Mipmaps
from facemod.faces.onet import ONet
from facemod.faces.proposer import BOX, POINTS, SCORE, Proposer, suppress, unlike
from facemod.faces.refiner import Refiner, window
from facemod.faces.views import Disc, View, close, detailed, whole
from facemod.faces.yunet import YuNet
from facemod.weights.files import filled

Array = NDArray[np.float64]

# The longer side of the photo as it is seen first; for faces that fill it; for small ones.
FIRST, CLOSE_UPS, SMALL = 640, 320, 1280
MIN_SCORE = 0.6
# Small faces, and those that lie on their side, may score less at first; they are seen closer.
VAGUE_SCORE = 0.15
CLOSER_ANGLES = (0.0, 90.0, 270.0)
MIN_VERIFY = 2.5
# Looking at every rotation gives every texture more chances, and few faces are turned.
TURNED_EXTRA = 1.5
# A proposal verified less than this may be a rotated face. Another rotation has to win clearly:
# taking the best of all of them would turn one upright face in fifty.
SURE, SEARCH_MUST_WIN_BY = 6.0, 2.0
# The part of a face's square, from its middle, in which nobody else is looked for.
OWN = 0.4
# Beside a face whose square has this part of the photo's longer side, or more, small faces are
# looked for only where YuNet suspects some.
CLOSE_BY = 0.3
# Faces are followed by at most so many looks.
FOLLOWING_LOOKS = 4
# FFHQ was cropped by other landmarks; O-Net's lie above those by this part of the FFHQ square.
FFHQ_OFFSET = 0.0055


@dataclass(frozen=True, eq=False)
class Found:
    """What may be faces, after O-Net saw them."""

    proposals: Array
    """[K, 15]."""
    points: Array
    """[K, 5, 2]."""
    verify: Array
    """[K]."""

    def __getitem__(self, chosen: NDArray[np.bool_]) -> Found:
        return Found(self.proposals[chosen], self.points[chosen], self.verify[chosen])

    def __add__(self, other: Found) -> Found:
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Found(*map(np.concatenate, pairs))

    @property
    def sure(self) -> NDArray[np.bool_]:
        """Those that certainly are faces [K]."""
        return self.verify >= SURE

    @property
    def lying(self) -> NDArray[np.bool_]:
        """Those on their side, whose points YuNet gets wrong by more than O-Net puts right [K]."""
        return np.array([45 < abs(roll(p)) < 135 for p in self.points], dtype=bool)


NOBODY = Found(np.zeros((0, 15)), np.zeros((0, 5, 2)), np.zeros(0))


class EmbeddedDetector:
    """YuNet and O-Net. Finds faces of about 14 px and more, at any in-plane rotation."""

    name = "embedded"

    def __init__(
        self, device: str | torch.device = "cpu", *, min_verify: float = MIN_VERIFY
    ) -> None:
        """``min_verify`` 2.5 rejects every animal and object that was tried; 0 lets pets pass."""
        self.device = torch.device(device)
        self.min_verify = min_verify
        self._propose = Proposer(_load(YuNet(), "yunet"), self.device)
        self._refine = Refiner(_load(ONet(), "onet"), self.device)

    @torch.inference_mode()
    def detect(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """The faces of an upright photo [H, W, 3], left to right; any size, down to 1 x 1."""
        photo = Mipmaps(rgb)
        longer = max(photo.width, photo.height)
        found = self._seen(photo, [whole(photo, FIRST)], NOBODY)
        if longer > CLOSE_UPS and not found.sure.any():
            found = self._seen(photo, [whole(photo, CLOSE_UPS)], found)
        discs = [_own(points) for points in found[found.sure].points]
        if longer > FIRST and all(disc.radius < OWN * CLOSE_BY * longer for disc in discs):
            found = self._seen(photo, detailed(photo, SMALL, discs), found)
        return self._faces(found)

    @torch.inference_mode()
    def follow(self, rgb: NDArray[np.uint8], known: Sequence[Face]) -> list[Face | None]:
        """Each of the ``known`` faces in the next frame [H, W, 3] of a film; None if it is lost.

        O-Net looks where it looked before, and then beside the face as it did when the face was
        found, until that is where it looks: so it places the points as it did then. What it
        follows has to be verified as any other face.
        """
        photo, proposals = Mipmaps(rgb), proposals_of(known)
        found = self._refined(photo, proposals)
        for _ in range(FOLLOWING_LOOKS - 1):
            proposals = beside(known, _all_to_ffhq(found.points))
            if near(found.proposals, proposals):
                break
            found = self._refined(photo, proposals)
        found = Found(beside(known, _all_to_ffhq(found.points)), found.points, found.verify)
        kept = self._verified(found)
        return [
            self._face(found, i, face.index) if i in kept else None for i, face in enumerate(known)
        ]

    def _seen(self, photo: Mipmaps, views: list[View], found: Found) -> Found:
        """``found`` and what else there is in views of one size."""
        proposals = self._propose(views, VAGUE_SCORE)
        new = unlike(proposals, found[found.sure].proposals)
        return found + self._examined(photo, new)

    def _examined(self, photo: Mipmaps, proposals: Array) -> Found:
        """What O-Net makes of proposals, those that leave doubts seen closer, and turned."""
        clear = proposals[:, SCORE] >= MIN_SCORE
        found = self._refined(photo, proposals[clear])
        clear_cut = found.sure & ~found.lying
        sure, doubted = found[clear_cut], found[~clear_cut].proposals
        looks = [
            close(photo, box, angle)
            for box in np.concatenate((doubted, proposals[~clear]))[:, BOX]
            for angle in CLOSER_ANGLES
        ]
        closer = suppress(np.concatenate((doubted, self._propose(looks, MIN_SCORE))))
        return sure + self._searched(photo, self._refined(photo, unlike(closer, sure.proposals)))

    def _refined(self, photo: Mipmaps, proposals: Array) -> Found:
        """What O-Net makes of proposals."""
        return Found(proposals, *self._refine(photo, proposals[:, POINTS].reshape(-1, 5, 2)))

    def _searched(self, photo: Mipmaps, found: Found) -> Found:
        """The same with those that are not sure in the rotation that suits them much better."""
        weak = np.flatnonzero(~found.sure)
        turned, verify = self._refine(
            photo, self._refine.search(photo, found.proposals[weak][:, BOX])
        )
        wins = verify > found.verify[weak] + SEARCH_MUST_WIN_BY
        found.points[weak[wins]], found.verify[weak[wins]] = turned[wins], verify[wins]
        found.proposals[weak[wins], POINTS] = turned[wins].reshape(-1, 10)
        return found

    def _faces(self, found: Found) -> list[Face]:
        """The verified ones, left to right."""
        kept = sorted(self._verified(found), key=lambda i: tuple(found.points[i].mean(0)))
        return [self._face(found, i, number) for number, i in enumerate(kept, start=1)]

    def _verified(self, found: Found) -> list[int]:
        """Which are distinct, and verified well enough."""
        points, verify = found.points, found.verify
        needed = self.min_verify + TURNED_EXTRA * np.array([abs(roll(p)) > 45 for p in points])
        return [i for i in _distinct(points, verify) if verify[i] >= needed[i]]

    def _face(self, found: Found, i: int, number: int) -> Face:
        return Face(
            index=number,
            box=tuple(found.proposals[i, BOX].tolist()),
            landmarks=_to_ffhq(found.points[i]),
            score=float(found.proposals[i, SCORE]),
            verify=float(found.verify[i]),
            backend=self.name,
            guess=found.proposals[i, POINTS].reshape(5, 2),
        )


def _load(network: YuNet | ONet, name: str) -> YuNet | ONet:
    path = Path(__file__).with_name(f"{name}.safetensors")
    return filled(network, path).eval()


def _own(points: Array) -> Disc:
    """Where the face with these points [5, 2] hides others."""
    (x, y), half_width = ffhq_square(points)
    return Disc(x, y, 2 * OWN * float(np.hypot(*half_width)))


def _distinct(points: Array, verify: Array) -> list[int]:
    """The faces that are not a worse verified copy of another one.

    A close-up also makes the detector fire on parts of itself at the finest pyramid level.
    """
    windows = [window(p) for p in points]
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


def _all_to_ffhq(points: Array) -> Array:
    """The same for faces [N, 5, 2]."""
    return np.array([_to_ffhq(face) for face in points]).reshape(-1, 5, 2)
