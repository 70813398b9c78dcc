"""Colour profiles: from a photo's own colours to sRGB, which the models see, and back."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_MODES = {"RGB": "RGB", "GRAY": "L"}
_SRGB_TOLERANCE = 2  # levels of 255; the sRGB profiles in circulation differ by this much
_KEEP_RESIDUE_BELOW = 64.0  # levels of 255

_Transform = ImageCms.ImageCmsTransform


class ProfileError(ValueError):
    """A colour profile is damaged, or cannot be used in the way that was asked for."""


class Conversion(NamedTuple):
    """The two ways between a profile and sRGB; ``mode`` is Pillow's name for the profile's side."""

    mode: str
    to_srgb: _Transform
    from_srgb: _Transform


def to_srgb(pixels: np.ndarray, icc: bytes) -> np.ndarray:
    """Colours of a profile as sRGB colours.

    ``pixels`` is uint8 [H, W, 3] in the colours of ``icc`` (a grey profile reads the first
    channel). Returns uint8 [H, W, 3], the very same array when ``icc`` is empty or is sRGB itself.
    """
    conversion = conversion_for(icc)
    return pixels if conversion is None else _run(conversion.to_srgb, pixels, conversion.mode)


def from_srgb(rgb: np.ndarray, icc: bytes) -> np.ndarray:
    """The inverse of :func:`to_srgb`, as far as 8 bits and the smaller of the two gamuts allow."""
    conversion = conversion_for(icc)
    return rgb if conversion is None else _run(conversion.from_srgb, rgb, "RGB")


def follow_change(own: np.ndarray, before: np.ndarray, after: np.ndarray, icc: bytes) -> np.ndarray:
    """Move colours of a profile as far as their sRGB versions were moved.

    ``own`` is uint8 [N, 3] in the colours of ``icc``, ``before`` is :func:`to_srgb` of it, and
    ``after`` is uint8 [N, 3] sRGB. What sRGB cannot hold (``own`` minus the round trip of
    ``before``) is kept under small changes, so that an edit fades into untouched pixels without
    a step, and fades out as the change grows, so that replaced pixels take the new colour.
    """
    if conversion_for(icc) is None:
        return after
    change = np.abs(after.astype(np.int16) - before).max(axis=1, keepdims=True)
    weight = np.clip(1.0 - change / _KEEP_RESIDUE_BELOW, 0.0, 1.0)
    residue = own.astype(np.int16) - from_srgb(before[None], icc)[0]
    moved = from_srgb(after[None], icc)[0] + weight * residue
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def image_to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert an image of any mode a profile can describe (CMYK, RGB, L) to RGB in sRGB colours.

    Raises ProfileError when the profile is damaged or describes another kind of image.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        converted = ImageCms.profileToProfile(
            image, profile, _srgb(), renderingIntent=_INTENT, outputMode="RGB", flags=_FLAGS
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as problem:
        raise ProfileError(str(problem)) from problem
    assert converted is not None  # only an in-place conversion returns nothing
    return converted


@lru_cache(maxsize=16)
def conversion_for(icc: bytes) -> Conversion | None:
    """The conversion between a profile and sRGB; None when there is nothing to convert.

    Raises ProfileError when the profile is damaged, is neither RGB nor grey, or works only
    one way (the profiles of some scanners and cameras).
    """
    if not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        mode = _MODES[profile.profile.xcolor_space.strip()]
        conversion = Conversion(
            mode,
            ImageCms.buildTransform(profile, _srgb(), mode, "RGB", _INTENT, _FLAGS),
            ImageCms.buildTransform(_srgb(), profile, "RGB", mode, _INTENT, _FLAGS),
        )
    except (ImageCms.PyCMSError, OSError, ValueError, KeyError) as problem:
        raise ProfileError(str(problem)) from problem
    return None if _is_identity(conversion) else conversion


def _is_identity(conversion: Conversion) -> bool:
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    if conversion.mode == "L":
        probe = np.repeat(levels[None, :, None], 3, axis=2)
    moved = _run(conversion.to_srgb, probe, conversion.mode).astype(np.int16) - probe
    return int(np.abs(moved).max()) <= _SRGB_TOLERANCE


def _run(transform: _Transform, pixels: np.ndarray, mode: str) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels))
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None  # only an in-place conversion returns nothing
    result = np.asarray(converted)
    return result if result.ndim == 3 else np.repeat(result[..., None], 3, axis=2)


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
