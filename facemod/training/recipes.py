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
    free: tuple[str, ...] = ()
    """Attributes that belong to the change and may move; all others are held softly."""
    range: tuple[float, float] = (-2.5, 2.5)


PERSON = ("gender", "age", "glasses")
POSE = ("yaw", "pitch")
LIGHT = ("skin-light", "backdrop-light")

RECIPES = (
    Recipe("smile", "smile more, or look serious", "Expression", "smile", (3, 6),
           (*PERSON, *POSE, *LIGHT, "makeup", "beard"),
           free=("mouth-open", "eyes-narrow", "chubby", "big-lips")),
    Recipe("mouth-open", "open the mouth, or close it", "Expression", "mouth-open", (3, 6),
           (*PERSON, *POSE, *LIGHT, "smile", "beard"), free=("big-lips",)),
    Recipe("eyes-narrow", "narrow the eyes, or open them wide", "Expression", "eyes-narrow", (3, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "makeup")),
    Recipe("age", "older, or younger", "Face", "age", (1, 8),
           ("gender", "glasses", "smile", "mouth-open", *POSE, *LIGHT, "bald"),
           free=("hair-gray", "eye-bags", "double-chin", "chubby")),
    Recipe("gender", "more female, or more male", "Face", "gender", (1, 8),
           ("age", "glasses", "smile", "mouth-open", *POSE, *LIGHT, "hair-blond", "hair-black"),
           free=("makeup", "lipstick", "beard", "moustache", "goatee", "bushy-brows", "big-nose",
                 "wavy", "earrings", "bangs", "pointy-nose")),
    Recipe("chubby", "fuller in the face, or slimmer", "Face", "chubby", (1, 6),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "beard"),
           free=("double-chin", "big-nose")),
    Recipe("big-nose", "a bigger nose, or a smaller one", "Face", "big-nose", (1, 6),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "beard", "chubby"),
           free=("pointy-nose",)),
    Recipe("big-lips", "fuller lips, or thinner ones", "Face", "big-lips", (3, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "makeup"), free=("lipstick",)),
    Recipe("bushy-brows", "bushier eyebrows, or finer ones", "Face", "bushy-brows", (3, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "beard", "hair-black", "hair-blond")),
    Recipe("pale", "paler skin, or darker skin", "Face", "pale", (7, 15),
           (*PERSON, *POSE, "smile", "backdrop-light", "hair-black", "hair-blond", "makeup"),
           free=("skin-light", "rosy-cheeks")),
    Recipe("beard", "more beard, or a clean shave", "Hair", "beard", (3, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open"),
           free=("moustache", "goatee", "lipstick", "makeup")),
    Recipe("bald", "less hair on the head, or more", "Hair", "bald", (1, 6),
           (*PERSON, *POSE, "skin-light", "smile", "beard"), free=("bangs", "hat", "wavy")),
    Recipe("bangs", "hair over the forehead, or away from it", "Hair", "bangs", (1, 6),
           (*PERSON, *POSE, *LIGHT, "smile", "hair-blond", "hair-black"), free=("bald",)),
    Recipe("wavy", "wavier hair, or straighter", "Hair", "wavy", (3, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "hair-blond", "hair-black")),
    Recipe("hair-black", "black hair", "Hair", "hair-black", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard"),
           free=("hair-blond", "hair-brown", "hair-gray", "bushy-brows")),
    Recipe("hair-blond", "blond hair", "Hair", "hair-blond", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard"),
           free=("hair-black", "hair-brown", "hair-gray")),
    Recipe("hair-brown", "brown hair", "Hair", "hair-brown", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard"),
           free=("hair-black", "hair-blond", "hair-gray")),
    Recipe("hair-gray", "gray hair", "Hair", "hair-gray", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup", "beard", "bald"),
           free=("hair-black", "hair-blond", "hair-brown")),
    Recipe("yaw", "turn the face to the picture's right, or to its left", "Pose", "yaw", (0, 4),
           (*PERSON, "pitch", *LIGHT, "smile", "mouth-open", "beard"), range=(-2.0, 2.0)),
    Recipe("pitch", "lift the face, or lower it", "Pose", "pitch", (0, 4),
           (*PERSON, "yaw", *LIGHT, "smile", "mouth-open", "beard"), range=(-2.0, 2.0)),
    Recipe("glasses", "put glasses on, or take them off", "Accessories", "glasses", (1, 4),
           ("gender", "age", "smile", "mouth-open", *POSE, *LIGHT, "beard"),
           free=("eye-bags", "eyes-narrow"), range=(-3.0, 3.0)),
    Recipe("earrings", "earrings, or none", "Accessories", "earrings", (3, 8),
           (*PERSON, *POSE, *LIGHT, "smile", "makeup")),
    Recipe("hat", "a hat, or none", "Accessories", "hat", (1, 6),
           (*PERSON, *POSE, "skin-light", "smile", "beard"), free=("bangs", "bald")),
    Recipe("makeup", "more make-up, or less", "Make-up", "makeup", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "hair-blond", "hair-black"),
           free=("lipstick", "rosy-cheeks")),
    Recipe("lipstick", "redder lips, or paler ones", "Make-up", "lipstick", (7, 12),
           (*PERSON, *POSE, *LIGHT, "smile", "mouth-open", "hair-blond", "hair-black"),
           free=("makeup",)),
    Recipe("rosy-cheeks", "rosier cheeks, or paler ones", "Make-up", "rosy-cheeks", (7, 12),
           (*PERSON, *POSE, "backdrop-light", "smile", "mouth-open", "hair-blond", "hair-black")),
)  # fmt: skip
