"""Where on a face an edit may show: named regions, protected ones, and masks of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import InputError
from facemod.faces.align import cut
from facemod.faces.face import Crop
from facemod.faces.region_names import parse_regions
from facemod.faces.regions import region_of, segment
from facemod.imaging.reading import open_photo
from facemod.latent.presets import Box
from facemod.tensors.blur import smoothstep

# How far named regions reach beyond what was segmented, in px at 128 px.
GROWN = 2
# How far an edit fades out around its boxes, as a part of the face's square.
RIM = 0.06
# From which likelihood on a region begins and is whole.
BEGINS, WHOLE = 0.25, 0.75


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions that an edit may change."""

    only: tuple[str, ...] = ()
    """Names of regions, all when empty."""
    protect: tuple[str, ...] = ()
    """Names of regions that stay as they are."""
    mask: NDArray[np.uint8] | None = None
    """[H, W], of the photo's size: 255 where the edit may show."""
    boxes: tuple[Box, ...] = ()
    """Boxes of the aligned face that the edit may change, all of it when empty."""

    @classmethod
    def parse(
        cls, only: str, protect: str, mask: Path | NDArray[np.uint8] | None, max_megapixels: float
    ) -> Regions | None:
        """Names with commas and a picture, or the file of one; None if an edit may show anywhere.

        Raises:
            UsageError: there is no such region.
            InputError: the mask cannot be read.
        """
        if not (only or protect or mask is not None):
            return None
        shown = parse_regions(only, "--only") if only else ()
        kept = parse_regions(protect, "--protect") if protect else ()
        if mask is None:
            return cls(shown, kept)
        if isinstance(mask, Path):
            mask = open_photo(mask, max_megapixels=max_megapixels).rgb
        grey = mask if mask.ndim == 2 else mask.mean(2).astype(np.uint8)
        return cls(shown, kept, grey)

    def check(self, size: tuple[int, int]) -> None:
        """Raise InputError unless the mask has the photo's ``size`` (width, height)."""
        if self.mask is not None and self.mask.shape != size[::-1]:
            (rows, columns), (width, height) = self.mask.shape, size
            raise InputError(
                f"--mask is {columns} x {rows} px and the photo {width} x {height} px; a mask has "
                "its photo's size, white where the edit may show"
            )

    def of(self, crops: Sequence[Crop]) -> list[Tensor]:
        """For each aligned face [1, 1, S, S] in 0..1: where the edit may show."""
        return [self._of(crop) for crop in crops]

    def _of(self, crop: Crop) -> Tensor:
        side = len(crop.pixels)
        region = box_mask(self.boxes, side) if self.boxes else torch.ones(1, 1, side, side)
        if self.only or self.protect:
            pixels = torch.from_numpy(crop.pixels.copy()).permute(2, 0, 1)[None].float()
            likely = segment(pixels / 127.5 - 1)
            if self.only:
                region = region * soft(region_of(likely, self.only), side)
            if self.protect:
                region = region * (1 - soft(region_of(likely, self.protect), side))
        if self.mask is not None:
            grey = np.repeat(self.mask[..., None], 3, axis=2)
            seen = cut(grey, crop.matrix, side)[..., 0].astype(np.float32)
            region = region * torch.from_numpy(seen / 255)
        return region


def box_mask(boxes: Sequence[Box], side: int) -> Tensor:
    """Boxes as a mask [1, 1, side, side]: 1 in them, soft rims around them, then exactly 0."""
    places = (torch.arange(side) + 0.5) / side
    mask = torch.zeros(side, side)
    for left, top, right, bottom in boxes:
        across, down = (
            smoothstep(torch.minimum(places - start, end - places), -RIM, 0.0)
            for start, end in ((left, right), (top, bottom))
        )
        mask = torch.maximum(mask, down[:, None] * across)
    return mask[None, None]


def soft(likely: Tensor, side: int) -> Tensor:
    """A likelihood [N, 1, 128, 128] as a mask [N, 1, side, side] with soft rims.

    It is a little wider than the region, exactly 0 away from the region and exactly 1 well inside.
    """
    grown = F.max_pool2d(likely, 2 * GROWN + 1, 1, GROWN)
    smooth = F.avg_pool2d(F.pad(grown, (GROWN,) * 4, mode="replicate"), 2 * GROWN + 1, 1)
    large = F.interpolate(smooth, (side, side), mode="bilinear", align_corners=False)
    return smoothstep(large, BEGINS, WHOLE)
