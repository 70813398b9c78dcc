"""Which presets are learnt: what each moves, in which slots, and what may move along."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from facemod.latent.presets import PLACES, Box
from facemod.training.judges.judge import NAMES, indices
from facemod.training.presets.published_recipes import NAMES as PUBLISHED
from facemod.training.presets.response import THUMB

# The main presets, and the measures that stand for them.
MAIN = {
    "smile": "smile", "mouth-open": "lip-height", "eyes-open": "eye-open",
    "brows-raise": "brow-height", "age": "age", "gender": "gender", "glasses": "glasses",
    "beard": "beard", "bangs": "bangs", "hair-blond": "hair-light", "yaw": "yaw", "pitch": "pitch",
}  # fmt: skip
# What an edit holds still, unless its recipe counts it as kin.
GUARDS = (
    "smile", "mouth-open", "eyes-narrow", "age", "gender", "chubby", "double-chin", "eye-bags",
    "big-nose", "big-lips", "bushy-brows", "arched-brows", "high-cheeks", "pale", "beard",
    "stubble", "bald", "receding", "bangs", "wavy", "hair-black", "hair-blond", "hair-brown",
    "hair-gray", "glasses", "hat", "earrings", "makeup", "lipstick",
    "looks-white", "looks-black", "looks-asian", "looks-indian",
    "skin-light", "exposure", "side-light", "warmth", "backdrop-light",
    "brow-height", "brow-slant", "eye-open", "mouth-width", "nose-width", "nose-length",
    "face-width", "yaw", "pitch",
)  # fmt: skip
# What no edit of the face's own features may do: twice as firmly held.
PERSON = ("age", "gender", "glasses", "looks-white", "looks-black", "looks-asian", "looks-indian")

# Where a preset may change pixels.
REGIONS: dict[str, tuple[Box, ...]] = {
    "anywhere": ((0, 0, 1, 1),),
    "face": ((5 / 32, 5 / 32, 27 / 32, 31 / 32),),
    "head": ((6 / 32, 2 / 32, 26 / 32, 1),),
    "hair": ((0, 0, 1, 10 / 32), (0, 10 / 32, 8 / 32, 1), (24 / 32, 10 / 32, 1, 1)),
    "backdrop": ((0, 0, 8 / 32, 1), (24 / 32, 0, 1, 1)),
    **{place: (box,) for place, box in PLACES.items()},
    # What is learnt may reach farther than what a photo shows: a smile lifts the cheeks up to the
    # eyes, and glasses that are turned reach into the hair.
    "lower-face": ((7 / 32, 15 / 32, 25 / 32, 31 / 32),),
    "glasses": ((4 / 32, 9 / 32, 28 / 32, 21 / 32),),
}


@dataclass(frozen=True)
class Recipe:
    """How one preset is learnt."""

    name: str
    meaning: str
    panel: str
    slots: tuple[int, int]
    targets: dict[str, float]
    """The measures that strength 1 raises by one standard deviation together, with weights."""
    kin: tuple[str, ...] = ()
    """What may move along because it belongs to the thing itself."""
    region: str = "anywhere"
    range: tuple[float, float] = (-2.5, 2.5)
    firmness: float = 8.0
    """How much holding the guards still is worth, against staying among natural faces."""
    locality: float = 2000.0
    """What changing pixels outside of the region costs."""
    more_guards: tuple[str, ...] = ()
    polish: bool = False
    """Whether descent follows the linear solution. What hangs on the taste of a classifier alone
    (hair, glasses) may come to please it without a change to see."""
    guards: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        moving = {*self.targets, *self.kin}
        guards = tuple(g for g in (*GUARDS, *self.more_guards) if g not in moving)
        object.__setattr__(self, "guards", guards)


def region_of(recipe: Recipe) -> tuple[Box, ...]:
    """The boxes that the preset may change in a photo; none for all of it."""
    return (PLACES[recipe.region],) if recipe.region in PLACES else ()


def region_mask(name: str) -> Tensor:
    """Where a preset may change pixels, bool [32, 32]."""
    mask = torch.zeros(THUMB, THUMB, dtype=torch.bool)
    for box in REGIONS[name]:
        left, top, right, bottom = (round(THUMB * end) for end in box)
        mask[top:bottom, left:right] = True
    return mask


def target_weights(recipe: Recipe) -> Tensor:
    """[names]; their product with changes is the change of the target."""
    weights = torch.zeros(len(NAMES))
    weights[indices(recipe.targets)] = torch.tensor([*recipe.targets.values()]).float()
    return weights / weights.abs().sum()


def _recipe(
    name: str, meaning: str, panel: str, slots: tuple[int, int],
    targets: str | dict[str, float] = "", kin: tuple[str, ...] = (), **more: object,
) -> Recipe:  # fmt: skip
    """A recipe; the target is what the preset is called like, unless it says otherwise."""
    chosen = targets if isinstance(targets, dict) else {targets or name: 1.0}
    return Recipe(name, meaning, panel, slots, chosen, kin, **more)  # type: ignore[arg-type]


SMILING = ("smile", "high-cheeks", "mouth-width", "eyes-narrow", "eye-open",
           "nose-width", "double-chin", "face-width", "big-lips", "eye-bags")  # fmt: skip
BEARDS = ("beard", "stubble", "moustache", "goatee")
COLOURS = ("hair-black", "hair-blond", "hair-brown", "hair-gray")
BACKDROP = ("backdrop-warm", "eye-blue")
HAIR_COLOURS = (*COLOURS, "exposure", "bushy-brows")
TONES = ("pale", "skin-light", "exposure", "warmth", "looks-white")
FACE_SHAPE = ("chubby", "double-chin", "face-width")

RECIPES = (
    _recipe("smile", "smile more, or look serious", "Expression", (3, 8), kin=SMILING,
            region="lower-face", firmness=2.0, more_guards=("lip-red", "cheek-red"), polish=True),
    _recipe("mouth-open", "open the mouth, or close it", "Expression", (3, 8),
            {"lip-height": 1, "mouth-open": 1}, ("big-lips",), region="lower-face",
            locality=6000.0, firmness=2.0),
    _recipe("surprise", "look surprised, or unmoved", "Expression", (3, 8),
            {"brow-height": 1, "eye-open": 1, "lip-height": 1},
            ("mouth-open", "eyes-narrow", "arched-brows", "big-lips")),
    _recipe("eyes-open", "open the eyes wide, or nearly close them", "Expression", (3, 8),
            "eye-open", ("eyes-narrow", "eye-bags"), region="eyes", polish=True),
    _recipe("brows-raise", "raise the brows, or lower them", "Expression", (3, 8), "brow-height",
            ("arched-brows", "eye-open"), region="brows", range=(-2.25, 1.5), polish=True),
    _recipe("mouth-wide", "a wider mouth, or a narrower one", "Face", (3, 8), "mouth-width",
            region="mouth", polish=True),
    _recipe("age", "older, or younger", "Face", (1, 8), kin=("eye-bags", "double-chin", "chubby"),
            region="head", range=(-2, 2), firmness=1.0, polish=True),
    _recipe("gender", "more female, or more male", "Face", (1, 8), kin=(*BEARDS, "makeup",
            "lipstick", "bushy-brows", "arched-brows", "big-nose", "earrings", "bald", "receding",
            "brow-height", "face-width", "nose-width", "wavy", "pale"), region="head",
            range=(-2, 2), firmness=1.0, polish=True),
    _recipe("face-wide", "a wider face, or a narrower one", "Face", (1, 6), "face-width",
            FACE_SHAPE, region="face", polish=True),
    _recipe("nose-wide", "a wider nose, or a narrower one", "Face", (3, 8), "nose-width",
            ("big-nose", "pointy-nose"), region="nose", polish=True),
    _recipe("nose-long", "a longer nose, or a shorter one", "Face", (3, 8), "nose-length",
            ("big-nose", "pointy-nose"), region="nose", polish=True),
    _recipe("pale", "paler skin, or darker skin", "Face", (7, 15), kin=TONES,
            range=(-1.5, 1.25)),
    _recipe("tan", "more tanned skin, or less", "Face", (7, 15), {"warmth": 1, "skin-light": -0.5},
            TONES, range=(-1.5, 1.5)),
    _recipe("beard", "more beard, or a clean shave (for men)", "Hair", (3, 8), kin=BEARDS,
            region="lower-face", firmness=1.0, polish=True),
    _recipe("bangs", "hair over the forehead, or away from it", "Hair", (1, 8),
            kin=("receding", "bald")),
    _recipe("hair-black", "darker hair; at 2, blond turns dark brown", "Hair", (5, 12),
            {"hair-light": -1, "hair-black": 1}, HAIR_COLOURS, region="hair",
            locality=8000.0, more_guards=BACKDROP, range=(-1, 2)),
    _recipe("hair-blond", "lighter hair; at 2, brown turns blond", "Hair",
            (5, 12), {"hair-light": 0.7, "hair-blond": 1}, HAIR_COLOURS, region="hair",
            locality=8000.0, more_guards=BACKDROP, range=(-1, 2)),
    _recipe("yaw", "turn the face to the picture's right, or to its left", "Pose", (0, 6),
            kin=("nose-width", "side-light", "face-width"), locality=0),
    _recipe("pitch", "lift the face, or lower it", "Pose", (0, 6),
            kin=("nose-length", "nose-width", "face-width", "brow-height", "double-chin",
            "eye-open"), locality=0),
    _recipe("glasses", "put glasses on, or take them off", "Face", (0, 6),
            kin=("bushy-brows", "eye-bags", "brow-height", "eye-open", "brow-slant",
            "arched-brows", "eyes-narrow"), region="glasses", locality=300),
    _recipe("light-right", "light from the picture's right, or from its left", "Light", (3, 8),
            "side-light", locality=0, range=(-1.5, 1.5)),
    _recipe("exposure", "a brighter picture, or a darker one", "Light", (7, 15),
            kin=("skin-light", "backdrop-light", "pale", "lower-sides"), locality=0),
    _recipe("warm-light", "warmer colours, or cooler ones", "Light", (9, 15), "warmth",
            ("pale", "looks-white", "makeup"), locality=0),
    _recipe("backdrop-light", "a brighter background, or a darker one", "Light", (3, 8),
            kin=("exposure", "lower-sides"), region="backdrop"),
)  # fmt: skip
# Those that are learnt here; the others only say what to measure on a preset that is published.
LEARNT = tuple(recipe for recipe in RECIPES if recipe.name not in PUBLISHED)
