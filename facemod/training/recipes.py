"""Which presets are learnt: what each moves, in which slots, and what it must leave alone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How one preset is learnt."""

    name: str
    meaning: str
    panel: str
    target: str
    """The measured attribute that strength 1 raises by one standard deviation."""
    slots: tuple[int, int]
    guards: tuple[str, ...]
    """Attributes that must not move."""
    range: tuple[float, float] = (-2.5, 2.5)
    firmness: float = 8.0
    """How much holding the guards still is worth, against staying among natural faces."""


PERSON = ("gender", "age", "glasses")
POSE = ("yaw", "pitch")
LIGHT = ("skin-light", "backdrop-light")
# What changes with ethnicity, for want of a measure of it.
HUE = ("hair-black", "hair-blond", "pale", "eyes-narrow", "big-lips")

RECIPES = (
    Recipe("smile", "smile more, or look serious", "Expression", "smile", (3, 6),
           (*PERSON, *POSE, *LIGHT, "makeup", "beard")),
    Recipe("mouth-open", "open the mouth, or close it", "Expression", "mouth-open", (3, 6),
           (*PERSON, *POSE, *LIGHT, "smile", "beard")),
    Recipe("age", "older, or younger", "Face", "age", (1, 8),
           ("gender", "glasses", "smile", *POSE, *LIGHT, *HUE, "rosy-cheeks", "pointy-nose"),
           range=(-1.5, 2.0), firmness=30),
    Recipe("gender", "more female, or more male", "Face", "gender", (1, 6),
           ("age", "glasses", "smile", "mouth-open", *POSE, *LIGHT, "hair-blond", "hair-black",
            "hair-gray", "bald", "wavy"), range=(-1.3, 1.3)),
    Recipe("pale", "paler skin, or darker skin", "Face", "pale", (7, 15),
           (*PERSON, *POSE, "smile", "backdrop-light", "hair-black", "hair-blond", "makeup")),
    Recipe("beard", "more beard, or a clean shave", "Hair", "beard", (4, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "bald", "hair-black", "hair-blond",
            "bushy-brows", "pale"), range=(-1.5, 2.0)),
    Recipe("bald", "less hair on the head, or more", "Hair", "bald", (1, 6),
           (*PERSON, *POSE, "skin-light", "smile", "beard"), range=(-1.0, 2.0)),
    Recipe("bangs", "hair over the forehead, or away from it", "Hair", "bangs", (1, 6),
           (*PERSON, *POSE, *LIGHT, "smile", "hair-blond", "hair-black")),
    Recipe("hair-black", "black hair", "Hair", "hair-black", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard", "pale", "bushy-brows", "big-lips",
            "big-nose"), firmness=30),
    Recipe("hair-blond", "blond hair", "Hair", "hair-blond", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard", "pale", "bushy-brows", "big-lips",
            "big-nose"), firmness=30),
    Recipe("hair-gray", "gray hair", "Hair", "hair-gray", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard", "bald", "hair-blond")),
    Recipe("yaw", "turn the face to the picture's right, or to its left", "Pose", "yaw", (0, 4),
           (*PERSON, "pitch", *LIGHT, "smile", "mouth-open", "beard"), range=(-2.0, 2.0)),
    Recipe("pitch", "lift the face, or lower it", "Pose", "pitch", (0, 4),
           (*PERSON, "yaw", *LIGHT, "smile", "mouth-open", "beard"), range=(-2.0, 2.0)),
    Recipe("glasses", "put glasses on, or take them off", "Accessories", "glasses", (0, 2),
           ("gender", "age", "smile", "mouth-open", *POSE, *LIGHT), range=(-1.0, 1.3), firmness=30),
    Recipe("makeup", "more make-up, or less", "Make-up", "makeup", (4, 10),
           (*PERSON, *POSE, "smile", "mouth-open", "hair-blond", "hair-black"),
           range=(-0.5, 1.3), firmness=3),
)  # fmt: skip
