"""A page of sliders over pictures: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

_TEMPLATE = Path(__file__).with_name("page.html")
_PLACE = "/*DATA*/"
_QUALITY = 85


@dataclass(frozen=True)
class Slider:
    """One slider: a picture uint8 [h, w, 3] for each face and strength; 0 is among them."""

    name: str
    meaning: str
    panel: str
    strengths: Sequence[float]
    pictures: Sequence[Sequence[np.ndarray]]


def page_of(sliders: Sequence[Slider], about: str) -> str:
    """The HTML; sliders of one panel stand together. ``about`` says whose faces these are."""
    data = {
        "about": about,
        "faces": len(sliders[0].pictures),
        "presets": [
            {
                "name": slider.name,
                "meaning": slider.meaning,
                "panel": slider.panel,
                "strengths": list(slider.strengths),
                "pictures": [[_encoded(p) for p in face] for face in slider.pictures],
            }
            for slider in sliders
        ],
    }
    # Inside a script element nothing else is special.
    text = json.dumps(data).replace("</", "<\\/")
    return _TEMPLATE.read_text(encoding="utf-8").replace(_PLACE, text)


def _encoded(picture: np.ndarray) -> str:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=_QUALITY)
    return base64.b64encode(stream.getvalue()).decode()
