"""The regions of a face that people may name. Imports no torch."""

from __future__ import annotations

from facemod.errors import UsageError

CLASSES = ("background", "skin", "hair", "brows", "eyes", "nose", "mouth")
# What people may name, as classes.
REGIONS = {
    "mouth": ("mouth",),
    "eyes": ("eyes",),
    "brows": ("brows",),
    "nose": ("nose",),
    "skin": ("skin",),
    "hair": ("hair",),
    "face": ("skin", "brows", "eyes", "nose", "mouth"),
    "background": ("background",),
}


def parse_regions(text: str, flag: str) -> tuple[str, ...]:
    """Names with commas, such as ``mouth,eyes``; UsageError for one that is no region."""
    names = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [name for name in names if name not in REGIONS]
    if unknown or not names:
        raise UsageError(f"{flag} {text}: regions are {', '.join(REGIONS)}")
    return names
