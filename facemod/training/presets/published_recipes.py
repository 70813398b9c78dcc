"""Which presets are made of published directions: what of, what is held still, and how far.

Steps and ranges were chosen by looking at photos and random faces of different sex, age and skin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from facemod.latent.presets import PLACES, Box
from facemod.training.presets.told_recipes import TOLD as TOLD_DIRECTIONS

OWN, TOLD = "facemod", "told"
# Where directions come from, by the first part of their names.
ORIGINS = {
    "e4e": "encoder4editing (Tov et al. 2021), MIT",
    "seeprettyface": "generators-with-stylegan2 (seeprettyface.com), NVIDIA source code licence, "
    "non-commercial",
    "featurestyle": "Feature-Style Encoder (Yao et al. 2022), research",
    "ganspace": "GANSpace's principal axes (Härkönen et al. 2020) as in encoder4editing, MIT",
    OWN: "facemod's own presets",
    TOLD: "labels of photos in CelebA (Liu et al. 2015)",
}
# What is held still, by plain names.
HELD = {
    "age": ("e4e/age",),
    "smile": ("e4e/smile", "featurestyle/smiling"),
    "gender": ("seeprettyface/gender",),
    "glasses": ("featurestyle/eyeglasses", "seeprettyface/glasses"),
    "yaw": ("e4e/pose",),
}


class Part(NamedTuple):
    """Directions that are added in slots of their own."""

    slots: tuple[int, int]
    terms: Mapping[str, float]


@dataclass(frozen=True)
class Published:
    """One preset, as a sum of published directions."""

    name: str
    meaning: str
    """One line for ``--help``, with what +1 is."""
    panel: str
    terms: Mapping[str, float]
    """How much of each published direction strength 1 is, before it is scaled."""
    slots: tuple[int, int]
    range: tuple[float, float]
    guards: tuple[str, ...] = ()
    """What is held still, names of :data:`HELD`."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """The readings that tell whether it works, and what to call them."""
    unit: tuple[str, float] | None = None
    """What strength 1 changes a reading by; None: the step is as long as ``terms`` say."""
    told_at: float = 1.0
    """The strength whose change is so many times the unit: near 0, photos hold changes back."""
    region: tuple[Box, ...] = ()
    also: tuple[Part, ...] = ()
    """What is added in other slots."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that it is made of."""
        return (Part(self.slots, self.terms), *self.also)

    @property
    def reach(self) -> tuple[int, int]:
        """The first and the last slot that it moves."""
        return min(part.slots[0] for part in self.parts), max(part.slots[1] for part in self.parts)

    @property
    def sources(self) -> list[str]:
        """The sets of directions that it is made of, by the first part of their names."""
        return sorted({name.split("/")[0] for part in self.parts for name in part.terms})

    def named(self, source: str) -> set[str]:
        """The directions of one set that it is made of, by the rest of their names."""
        names = [name.partition("/") for part in self.parts for name in part.terms]
        return {name for first, _, name in names if first == source}

    @property
    def still(self) -> tuple[str, ...]:
        """What is held still, here or where labels tell its directions."""
        told = [name for one in sorted(self.named(TOLD)) for name in TOLD_DIRECTIONS[one].held]
        return tuple(dict.fromkeys((*self.guards, *told)))

    @property
    def credit(self) -> str:
        """Whose work it is made of, in one line."""
        published = [ORIGINS[source] for source in self.sources if source != TOLD]
        told = [ORIGINS[TOLD]] if TOLD in self.sources else []
        first = [f"published directions: {'; '.join(published)}"] if published else []
        return "; ".join(first + told)

    @property
    def held(self) -> tuple[str, ...]:
        """The published directions that are projected out."""
        return tuple(name for guard in self.guards for name in HELD[guard])


EXPRESSION, FACE, HAIR = "Expression", "Face", "Hair"
OPEN = {"Mouth_Slightly_Open": "open mouth, 0 to 1"}
PAINTED = {"Wearing_Lipstick": "lipstick, 0 to 1"}
SMILING = {"Smiling": "smiling, 0 to 1"}

RECIPES = (
    Published(
        "age", "+1.5 is fifteen years older and more, -1.5 as much younger", FACE,
        {"e4e/age": 1.75, "seeprettyface/age": -2.1}, (0, 8), (-1.75, 2), ("glasses",),
        {"Age": "years"}, also=(Part((7, 9), {"ganspace/57": -3.2}),),
    ),
    Published(
        "gender", "+1 is clearly more female, -1 clearly more male", FACE,
        {"told/male": -9.3, "e4e/age": 0.41, "seeprettyface/age": -0.49}, (0, 8), (-1.5, 1.5),
        (), {"Male": "male, 0 to 1"},
    ),
    Published(
        "smile", "+1 is from serious to a clear smile, -1 takes a smile away", EXPRESSION,
        {"e4e/smile": 0.9, "featurestyle/smiling": 5.0}, (0, 6), (-1.5, 2),
        ("age", "gender", "glasses"), SMILING, region=(PLACES["eyes-to-chin"],),
    ),
    Published(
        "mouth-open", "+1 opens the mouth clearly, without a grin", EXPRESSION,
        {"seeprettyface/emotion_surprise": 3.5}, (3, 6), (0, 1.5), ("age",), OPEN,
        region=(PLACES["lower-face"],),
    ),
    Published(
        "surprise", "+1 is clearly surprised: raised brows, wide eyes, an open mouth", EXPRESSION,
        {"seeprettyface/emotion_surprise": 3.5, "seeprettyface/eyes_open": -2.7,
         "seeprettyface/emotion_angry": -1.4}, (0, 7), (0, 1.5), ("age",), OPEN,
    ),
    Published(
        "anger", "+1 is a clearly angry look, with lowered brows and no smile", EXPRESSION,
        {"seeprettyface/emotion_angry": 6.0}, (0, 7), (0, 1.5), ("age", "gender"), SMILING,
    ),
    Published(
        "sadness", "+1 is a clearly sad look", EXPRESSION,
        {"seeprettyface/emotion_sad": 8.0}, (0, 7), (0, 1.5), ("age", "gender"), SMILING,
    ),
    Published(
        "eyes-open", "+1 is eyes clearly wider, -1 clearly narrower", EXPRESSION,
        {"seeprettyface/eyes_open": -4.0}, (0, 7), (-1, 2), ("age", "gender", "smile"),
    ),
    Published(
        "yaw", "+1 turns the face by 10 degrees to the picture's right, -1 to its left", "Pose",
        {"e4e/pose": -1.5}, (0, 3), (-1.5, 1.5), ("smile",), {"yaw": "degrees"}, ("yaw", 10.0),
    ),
    Published(
        "glasses", "+1 puts glasses on, -1 takes them off", FACE,
        {"featurestyle/eyeglasses": 16.0, "seeprettyface/glasses": -5.0}, (0, 6), (-1.5, 1),
        ("smile", "age"), {"Eyeglasses": "glasses, 0 to 1"}, region=(PLACES["glasses"],),
    ),
    Published(
        "make-up", "+1 is red lips and made-up eyes, +0.5 a touch of it", FACE,
        {"featurestyle/heavy_makeup": 30.0}, (7, 11), (0, 1.5), (), PAINTED,
    ),
    Published(
        "bald", "+1 takes men's hair off; women get very short hair", HAIR, {"told/bald": 15.0},
        (0, 5), (0, 1.25), (), {"Bald": "bald, 0 to 1"},
    ),
    Published(
        "hair-long", "+1 is long hair, -1 short hair", HAIR, {"told/hair-long": 9.0},
        (0, 8), (-1.25, 1.25),
    ),
    Published(
        "stubble", "+1 is stubble, +1.5 a short beard (for men)", HAIR, {"told/stubble": 6.0},
        (3, 8), (0, 1.75), (), {"5_o_Clock_Shadow": "stubble, 0 to 1"},
        region=(PLACES["lower-face"],),
    ),
)  # fmt: skip
NAMES = tuple(recipe.name for recipe in RECIPES)
