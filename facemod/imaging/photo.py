"""A photo in memory: upright pixels, and everything of its file that must survive the trip."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from facemod.imaging import colour


@dataclass(frozen=True)
class Source:
    """What a photo's file was, besides its pixels.

    ``format`` and ``mode`` are Pillow's words. ``exif`` begins with ``Exif\\0\\0``, already says
    "upright", and holds no thumbnail; ``icc`` is a profile known to work both ways, or empty.
    ``subsampling`` is Pillow's code (0 is 4:4:4). ``notes`` are words for the user about what
    reading could not keep. ``lossless`` says that the file held its pixels exactly. ``stored`` is
    a JPEG file itself, whose pixels the photo has, turned upright from its EXIF ``orientation``.
    """

    path: Path
    format: str
    mode: str
    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    qtables: dict[int, list[int]] | None = None
    subsampling: int | None = None
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    lossless: bool = False
    stored: bytes = dataclasses.field(default=b"", repr=False)
    orientation: int = 1

    @property
    def is_grey(self) -> bool:
        """Whether the file held no colour at all."""
        return self.mode in {"1", "L", "LA", "La"} or self.mode.startswith("I;16")


@dataclass(frozen=True, eq=False)
class Photo:
    """An upright photo.

    ``pixels`` is uint8 [H, W, 3] in the file's own colours, ``alpha`` is uint8 [H, W] or None.
    Neither ``pixels`` nor ``rgb`` can be written to: draw on ``photo.rgb.copy()`` and hand the
    result to :meth:`replaced`, which remembers in ``unedited`` what ``pixels`` were at first.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    source: Source
    unedited: np.ndarray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pixels", _read_only(self.pixels))

    @cached_property
    def rgb(self) -> np.ndarray:
        """The photo in sRGB colours: uint8 [H, W, 3]; ``pixels`` itself when that is what it is."""
        return _read_only(colour.to_srgb(self.pixels, self.source.icc))

    def replaced(self, rgb: np.ndarray) -> Photo:
        """This photo with other colours.

        ``rgb`` is uint8 [H, W, 3] in sRGB. Where it equals :attr:`rgb` the photo keeps the
        file's own decoded values bit for bit; only the rest is converted to the file's colours.
        """
        if rgb.shape != self.pixels.shape or rgb.dtype != np.uint8:
            raise ValueError(f"expected uint8 {self.pixels.shape}, got {rgb.dtype} {rgb.shape}")
        if self.rgb.base is self.pixels.base:  # sRGB: what was not changed is equal anyhow
            return self._with(rgb.copy())
        differs = rgb != self.rgb
        changed = differs[..., 0] | differs[..., 1] | differs[..., 2]
        pixels = self.pixels.copy()
        pixels[changed] = colour.follow_change(
            self.pixels[changed], self.rgb[changed], rgb[changed], self.source.icc
        )
        return self._with(pixels)

    @property
    def first_pixels(self) -> np.ndarray:
        """The pixels before any edit: uint8 [H, W, 3]."""
        return self.pixels if self.unedited is None else self.unedited

    def _with(self, pixels: np.ndarray) -> Photo:
        return dataclasses.replace(self, pixels=pixels, unedited=self.first_pixels)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view
