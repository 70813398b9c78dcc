"""Which presets are made of published directions: what of, what is held still, and how far.

Steps and ranges were chosen by looking at photos and random faces of different sex, age and skin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from facemod.latent.presets import PLACES, Box

# Where directions come from, by the first part of their names.
ORIGINS = {
    "e4e": "encoder4editing (Tov et al. 2021), MIT",
    "seeprettyface": "generators-with-stylegan2 (seeprettyface.com), NVIDIA source code licence, "
    "non-commercial",
    "featurestyle": "Feature-Style Encoder (Yao et al. 2022), research",
    "ganspace": "GANSpace's principal axes (Härkönen et al. 2020) as in encoder4editing, MIT",
}
# What is held still, by plain names.
HELD = {
    "age": ("e4e/age",),
    "smile": ("e4e/smile", "featurestyle/smiling"),
    "gender": ("seeprettyface/gender",),
    "glasses": ("featurestyle/eyeglasses", "seeprettyface/glasses"),
    "yaw": ("e4e/pose",),
}


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

    @property
    def held(self) -> tuple[str, ...]:
        """The published directions that are projected out."""
        return tuple(name for guard in self.guards for name in HELD[guard])


EXPRESSION, FACE = "Expression", "Face"
OPEN = {"Mouth_Slightly_Open": "open mouth, 0 to 1"}
SMILING = {"Smiling": "smiling, 0 to 1"}

RECIPES = (
    Published(
        "age", "+1.5 is about fifteen years older, -1.5 fifteen years younger", FACE,
        {"e4e/age": 1.2}, (0, 7), (-2, 1.75), ("glasses",), {"Age": "years"}, ("Age", 10.0),
        told_at=1.5,
    ),
    Published(
        "gender", "+1 is clearly more female, -1 clearly more male", FACE,
        {"seeprettyface/gender": -6.0}, (0, 7), (-1.5, 1.5), ("smile", "age"),
        {"Male": "male, 0 to 1"}, ("Male", -0.35),
    ),
    Published(
        "smile", "+1 is from serious to a clear smile, -1 takes a smile away", EXPRESSION,
        {"e4e/smile": 0.9, "featurestyle/smiling": 5.0}, (0, 6), (-1.5, 2),
        ("age", "gender", "glasses"), SMILING,
    ),
    Published(
        "mouth-open", "+1 opens the mouth clearly, without a grin", EXPRESSION,
        {"seeprettyface/emotion_surprise": 3.5}, (3, 6), (0, 1.5), ("age",), OPEN,
        region=(PLACES["lower-face"],),
    ),
    Published(
        "surprise", "+1 is clearly surprised, with wide eyes and an open mouth", EXPRESSION,
        {"seeprettyface/emotion_surprise": 3.5}, (0, 7), (0, 1.5), ("age",), OPEN,
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
        "glasses", "+1 puts glasses on, -1 takes them off", "Accessories",
        {"featurestyle/eyeglasses": 16.0, "seeprettyface/glasses": -5.0}, (0, 6), (-1.5, 1),
        ("smile", "age"), {"Eyeglasses": "glasses, 0 to 1"}, region=(PLACES["glasses"],),
    ),
)  # fmt: skip
NAMES = tuple(recipe.name for recipe in RECIPES)
