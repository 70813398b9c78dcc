"""Presets: named edit directions, one safetensors file each.

A file holds the tensor ``direction`` [slots, dim], mostly also ``level`` of the same shape, and,
in its header, everything that ``--help`` and ``facemod presets`` tell about it. Facts are read
without torch, because every preset is an option of the command line.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facemod.errors import ModelError, UsageError
from facemod.files.folders import presets_folder
from facemod.weights.headers import read_header

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
TENSOR = "direction"
LEVEL_TENSOR = "level"
PANELS = ("Expression", "Face", "Hair", "Pose", "Accessories", "Make-up", "Light", "Own")
# Its presets are about the whole scene.
SCENIC_PANEL = "Light"
# What reading facts out of JSON that somebody else wrote may raise.
DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
# A file that was written so recently may be written again within one tick of its clock.
_TICK = 2 * 10**9  # ns
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PACKAGE = Path(__file__).parents[1]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom of the aligned square, which is 1 wide."""
# Parts of the face whose borders are skin, so that an edit can end there in a photo, too.
PLACES: Mapping[str, Box] = {
    "lower-face": (7 / 32, 18 / 32, 25 / 32, 31 / 32),
    "mouth": (9 / 32, 20 / 32, 23 / 32, 28 / 32),
    "nose": (10 / 32, 14 / 32, 22 / 32, 23 / 32),
    "eyes": (7 / 32, 10 / 32, 25 / 32, 18 / 32),
    "glasses": (6 / 32, 12 / 32, 26 / 32, 20 / 32),
    "brows": (6 / 32, 8 / 32, 26 / 32, 17 / 32),
    "eyes-to-chin": (6 / 32, 11 / 32, 26 / 32, 30 / 32),
}


@dataclass(frozen=True)
class CodeSpace:
    """The codes of a model, which presets must fit."""

    family: str
    slots: int
    dim: int
    model: str = ""
    """The model's name; empty where any model of the family is meant."""


@dataclass(frozen=True)
class Preset:
    """The facts of one preset, and the file that holds its direction."""

    name: str
    meaning: str
    """One line for ``--help``; says what positive strengths do."""
    panel: str
    """The heading of ``--help`` that it stands under."""
    range: tuple[float, float]
    """The strengths, lowest and highest, that still look natural."""
    slots: tuple[int, int]
    """First and last style slot that it moves; the direction is zero in all others."""
    family: str
    """The model family whose codes it moves."""
    guards: tuple[str, ...]
    """Names of the attributes that were held still when it was learnt."""
    effects: Mapping[str, float]
    """Measured change of each attribute at strength 1, in standard deviations."""
    source: str
    """How it was learnt, in one line."""
    path: Path
    level_centre: float | None = None
    """What the measure ``level`` gives for an average face; None if the file holds none."""
    level_ends: tuple[float, float] | None = None
    """The levels of faces that have nothing and all of what it adds; None if it has no such end."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """How well it works, measured, by what was measured."""
    model: str = ""
    """The one model of the family that it means anything to; empty for all of them."""
    region: tuple[Box, ...] = ()
    """Where on the face it may show in a photo; everywhere if empty."""

    @property
    def fits(self) -> str:
        """What it moves, in a word: a model, or all models of a family."""
        return self.model or self.family

    def direction(self) -> Tensor:
        """The direction [slots, dim], float32: what strength 1 adds to the styles.

        Raises:
            ModelError: the file is missing, damaged, or contradicts its own facts.
        """
        direction = self._tensor(TENSOR)
        first, last = self.slots
        if last >= len(direction):
            raise ModelError(f"{self.path}: slots {first}-{last} exceed its {len(direction)} slots")
        if direction[:first].any() or direction[last + 1 :].any():
            raise ModelError(f"{self.path}: moves slots outside of {first}-{last}")
        return direction

    def level(self) -> Tensor:
        """The measure [slots, dim], float32: its product with styles, less ``level_centre``, is
        where a face stands. One step along :meth:`direction` raises it by one.

        Raises:
            ModelError: the file is missing or damaged, or holds no measure.
        """
        return self._tensor(LEVEL_TENSOR)

    def _tensor(self, name: str) -> Tensor:
        from facemod.weights.files import load_weights

        state, _ = load_weights(self.path)
        tensor = state.get(name)
        if tensor is None or tensor.ndim != 2 or not tensor.is_floating_point():
            raise ModelError(f"{self.path}: holds no tensor {name} of slots x dim numbers")
        return tensor


def find_presets(folders: Iterable[Path] | None = None) -> tuple[dict[str, Preset], list[str]]:
    """All installed presets by name, sorted, and what is wrong with files that were left out.

    ``folders`` defaults to :func:`preset_folders`; when two hold a preset of one name, the
    first wins and the other is reported.
    """
    found: dict[str, Preset] = {}
    problems = []
    for folder in preset_folders() if folders is None else folders:
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                preset = read_preset(path)
            except ModelError as error:
                problems.append(str(error))
                continue
            if preset.name in found:
                problems.append(f"{path}: ignored, {found[preset.name].path} has the same name")
            else:
                found[preset.name] = preset
    return dict(sorted(found.items())), problems


def by_panel(presets: Mapping[str, Preset]) -> dict[str, Preset]:
    """Presets in the order of :data:`PANELS`, then by name; unknown panels come last."""

    def place(item: tuple[str, Preset]) -> tuple[int, str, str]:
        panel = item[1].panel
        return PANELS.index(panel) if panel in PANELS else len(PANELS), panel, item[0]

    return dict(sorted(presets.items(), key=place))


def preset_folders() -> list[Path]:
    """Where presets are looked for: the installed package (or the repository), then the user's."""
    bundled = _PACKAGE / "presets"
    return [bundled if bundled.is_dir() else _PACKAGE.parent / "presets", presets_folder()]


def get_preset(name: str) -> Preset:
    """The installed preset called ``name``.

    Raises:
        UsageError: there is none; the message suggests similar names.
    """
    presets, _ = find_presets()
    if name in presets:
        return presets[name]
    similar = difflib.get_close_matches(name, presets, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(similar)}?" if similar else "see `facemod presets list`"
    raise UsageError(f"no preset is called {name}; {hint}")


def read_preset(path: Path) -> Preset:
    """The facts of one preset file.

    Raises:
        ModelError: the file is missing or damaged, its facts are incomplete, or it is not called
            like the preset in it.
    """
    preset = read_facts(path)
    if preset.name != path.name.removesuffix(SUFFIX):
        raise ModelError(
            f"{path}: calls itself {preset.name!r}; the name must be that of the file "
            "(`facemod presets import` sees to that)"
        )
    return preset


def read_facts(path: Path) -> Preset:
    """The facts of one preset file, whatever the file is called.

    Raises:
        ModelError: the file is missing or damaged, or its facts are incomplete.
    """
    try:
        facts = path.stat()
    except OSError:
        return _read_facts(path)  # which says what is wrong
    if time.time_ns() - facts.st_mtime_ns < _TICK:
        return _read_facts(path)
    return _remembered_facts(path, (facts.st_mtime_ns, facts.st_ino, facts.st_size))


@lru_cache(maxsize=4096)
def _remembered_facts(path: Path, state: tuple[int, ...]) -> Preset:
    """The facts of a file that looks unchanged. Every option of ``edit`` asks for them anew."""
    return _read_facts(path)


def _read_facts(path: Path) -> Preset:
    header = read_header(path)
    if TENSOR not in header:
        raise ModelError(f"{path}: not a facemod preset, it holds no {TENSOR}")
    try:
        facts = json.loads(header["__metadata__"]["config"])
        known = {
            fact.name: facts[fact.name]
            for fact in fields(Preset)
            if fact.name != "path" and (fact.name in facts or _is_required(fact))
        }
        preset = Preset(**{**known, **_typed(known)}, path=path)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ModelError(f"{path}: not a preset, its facts are incomplete ({error!r})") from error
    if not NAME.fullmatch(preset.name):
        raise ModelError(
            f"{path}: calls itself {preset.name!r}; names are lower case letters, digits and "
            "single hyphens"
        )
    low, high = preset.range
    first, last = preset.slots
    for left, top, right, bottom in preset.region:
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ModelError(f"{path}: its region lies outside of the face")
    start, end = preset.level_ends or (-1.0, 1.0)
    if not start < end or (preset.level_ends and preset.level_centre is None):
        raise ModelError(f"{path}: the ends of its level make no sense")
    if not (-math.inf < low <= 0 <= high < math.inf and low < high and 0 <= first <= last):
        raise ModelError(f"{path}: its range or its slots make no sense")
    return preset


def _is_required(fact: Field[Any]) -> bool:
    return fact.default is MISSING and fact.default_factory is MISSING


def _typed(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that JSON cannot tell apart or that need checking, in their own types."""
    (low, high), (first, last) = facts["range"], facts["slots"]
    words = {key: str(facts[key]) for key in ("name", "meaning", "panel", "family", "source")}
    centre, ends = facts.get("level_centre"), facts.get("level_ends")
    return words | {
        "model": str(facts.get("model", "")),
        "range": (float(low), float(high)),
        "slots": (int(first), int(last)),
        "guards": tuple(map(str, facts["guards"])),
        "effects": _numbers(facts["effects"]),
        "evidence": _numbers(facts.get("evidence", {})),
        "level_centre": None if centre is None else float(centre),
        "level_ends": None if ends is None else _pair(*ends),
        "region": tuple(_box(*box) for box in facts.get("region", ())),
    }


def _pair(low: Any, high: Any) -> tuple[float, float]:
    return float(low), float(high)


def _box(left: Any, top: Any, right: Any, bottom: Any) -> Box:
    return float(left), float(top), float(right), float(bottom)


def _numbers(facts: dict[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in facts.items()}
