"""Contact sheets: several pictures side by side in one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
_WHITE: Colour = (255, 255, 255)
_INK: Colour = (32, 32, 32)
_ELLIPSIS = "..."


def tile(
    images: Sequence[np.ndarray | None],
    columns: int,
    gap: int = 8,
    background: Colour = _WHITE,
) -> np.ndarray:
    """Pictures in rows of ``columns``, centred in cells as large as the largest of them.

    ``images`` are uint8 [h, w, 3] of any sizes, None leaves a cell empty. Returns uint8
    [H, W, 3], ``gap`` pixels of ``background`` between cells and none around.
    """
    height = max(image.shape[0] for image in images if image is not None)
    width = max(image.shape[1] for image in images if image is not None)
    rows = -(-len(images) // columns)
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap, 3)
    sheet = np.empty(shape, np.uint8)
    sheet[:] = background
    for index, image in enumerate(images):
        if image is not None:
            top = index // columns * (height + gap) + (height - image.shape[0]) // 2
            left = index % columns * (width + gap) + (width - image.shape[1]) // 2
            sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def shrunk(image: np.ndarray, side: int) -> np.ndarray:
    """A square picture uint8 [S, S, 3] at another size."""
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS))


def with_labels(
    images: Sequence[np.ndarray], labels: Sequence[str], background: Colour = _WHITE
) -> list[np.ndarray]:
    """The pictures, each with a strip below that holds its label (cut to the width)."""
    return [
        np.vstack([image, _strip(label, image.shape[1], background)])
        for image, label in zip(images, labels, strict=True)
    ]


def side_by_side(before: np.ndarray, after: np.ndarray, gap: int = 8) -> np.ndarray:
    """Two pictures, uint8 [h, w, 3], the first on the left."""
    return tile([before, after], columns=2, gap=gap)


def _strip(label: str, width: int, background: Colour) -> np.ndarray:
    size = int(np.clip(width // 20, 11, 40))
    font = ImageFont.load_default(size)
    strip = Image.new("RGB", (width, size + size // 2), background)
    draw = ImageDraw.Draw(strip)
    draw.text((width / 2, size * 0.7), _fitting(label, font, width), _INK, font, anchor="mm")
    return np.asarray(strip)


def _fitting(label: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    text = _spelled(label)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + _ELLIPSIS) > width:
        text = text[:-1]
    return text + _ELLIPSIS


def _spelled(label: str) -> str:
    """A label in ASCII, the only letters that Pillow's own font has; accents are left out."""
    apart = unicodedata.normalize("NFKD", " ".join(label.split()))
    return (
        "".join(c for c in apart if not unicodedata.combining(c))
        .encode("ascii", "replace")
        .decode()
    )
