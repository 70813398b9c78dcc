"""What presets really move: the measured leak matrix, as a page of tables.

``facemod train leaks`` runs this.

Held-out random faces (and real ones, encoded) are rendered with every preset at +1, -1 and +1.5
and judged by a network that had no part in the learning. Beside ours stand two plain ways to learn
a direction from the same samples: the difference of the means of the faces that score highest and
lowest, and a linear classifier between them (as InterFaceGAN, Shen et al. 2020), whose normal is
the direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from facemod.latent.presets import SUFFIX, read_preset
from facemod.models.wavelet.identity import Identity
from facemod.training.bundled.preview import FIRST_FINE_SLOT
from facemod.training.data import spread_faces
from facemod.training.judges.identity import load_identity, similarity
from facemod.training.judges.judge import NAMES, STILL, Judge
from facemod.training.presets.directions import (
    SMALLEST_GAIN,
    Yardstick,
    open_instruments,
)
from facemod.training.presets.options import LeakOptions
from facemod.training.presets.plain_directions import (
    classifier_normal,
    mean_difference,
    scored_samples,
)
from facemod.training.presets.polish import change_where
from facemod.training.presets.recipes import MAIN, RECIPES, Recipe, region_mask, target_weights
from facemod.training.presets.studio import Studio, encoded, needs_exact
from facemod.training.settings import Tell
from facemod.weights.files import load_weights, save_weights

TRUNCATION = 0.7
HELD_OUT_SEED = 90_002
STRONG = 1.5
CALIBRATING = 48  # faces, as many as ours were scaled with
MOVED = 0.5  # standard deviations that count as success
LEVELS = 127.5  # of an 8-bit picture per unit of ours
Rows = list[tuple[str, ...]]


@dataclass(frozen=True)
class Scene:
    """Faces to measure on: styles [N, slots, dim] and their pictures, preview and exact."""

    studio: Studio
    judge: Judge
    identity: Identity
    styles: Tensor
    _unmoved: dict[tuple[int, bool], Tensor] = field(default_factory=dict)

    def moved(self, shift: Tensor, count: int, *, exact: bool) -> Tensor:
        """Pictures of the first ``count`` faces after a shift [slots, dim]."""
        return self.studio.render(self.styles[:count] + shift, exact=exact)

    def unmoved(self, count: int, *, exact: bool) -> Tensor:
        """Pictures of the first ``count`` faces, rendered once."""
        key = (count, exact)
        if key not in self._unmoved:
            self._unmoved[key] = self.studio.render(self.styles[:count], exact=exact)
        return self._unmoved[key]


@dataclass(frozen=True)
class Leaks:
    """One direction, measured. Effects [names] are mean changes in standard deviations."""

    recipe: Recipe
    up: Tensor
    down: Tensor
    success: float
    """The part of faces whose target moves by at least half a deviation at +1.5."""
    identity: float
    """Mean cosine between the identity of a face and of the same at +1."""
    outside: float
    """Mean change outside of the region at +1, in levels of 255."""
    faces: int

    @property
    def own(self) -> float:
        return float(self.up @ target_weights(self.recipe))

    @property
    def leak(self) -> float:
        """The mean change of the other main measures, as a part of the own one."""
        mine = {MAIN.get(self.recipe.name), *self.recipe.targets}
        others = [NAMES.index(measure) for measure in MAIN.values() if measure not in mine]
        return float(self.up[others].abs().mean()) / max(abs(self.own), 1e-6)


@torch.inference_mode()
def measure(recipe: Recipe, direction: Tensor, scene: Scene, count: int) -> Leaks:
    """Render and judge one direction [slots, dim] on the first ``count`` faces of a scene."""
    exact = needs_exact(int(direction.any(1).nonzero().max()))
    before = scene.unmoved(count, exact=exact)
    up, down, strong = (scene.moved(s * direction, count, exact=exact) for s in (1.0, -1.0, STRONG))
    judge, weights = scene.judge, target_weights(recipe)
    moved = judge.changes(before, strong) @ weights
    return Leaks(
        recipe,
        judge.changes(before, up).mean(0),
        judge.changes(before, down).mean(0),
        float((moved >= MOVED).float().mean()),
        float(similarity(scene.identity, before, up).mean()),
        outside_change(before, up, recipe.region),
        count,
    )


def outside_change(before: Tensor, after: Tensor, region: str) -> float:
    """Mean change of pixels outside of a recipe's region, in levels of 255."""
    outside = ~region_mask(region)
    share = float(outside.float().mean())
    return LEVELS * float(change_where(before, after, outside)) / share if share else 0.0


def rivals(scene: Scene, samples: tuple[Tensor, Tensor], count: int, tell: Tell) -> Rows:
    """Rows of preset, way, leak, identity: the two plain ways at the effect of strength 1.

    They move the slots that the preview knows.
    """
    rows: Rows = []
    styles, scores = samples
    faces = scene.studio.styles(CALIBRATING, truncation=TRUNCATION, seed=HELD_OUT_SEED + 1)
    scale = Yardstick(scene.studio, scene.judge, faces)
    ways = {"mean difference": mean_difference, "linear SVM": classifier_normal}
    for recipe in RECIPES:
        if recipe.name not in MAIN or not set(recipe.targets) <= set(STILL):
            continue
        if needs_exact(recipe.slots[1]):
            continue
        target = scores @ target_weights(recipe)[: len(STILL)]
        for way, learn in ways.items():
            with torch.enable_grad():
                direction = learn(styles, target).expand(scene.styles.shape[1], -1).clone()
            direction[FIRST_FINE_SLOT:] = 0
            # A step that is small enough to be linear tells how long strength 1 is.
            direction = 2 * direction / direction[0].norm()
            gain = max(
                float(scale.effects(recipe, direction) @ target_weights(recipe)), SMALLEST_GAIN
            )
            found = measure(recipe, direction / gain, scene, count)
            rows.append((recipe.name, way, f"{found.leak:.2f}", f"{found.identity:.2f}"))
            tell(" ".join(rows[-1]))
    return rows


def open_samples(options: LeakOptions, studio: Studio, teacher: Judge) -> tuple[Tensor, Tensor]:
    """Scored samples from the folder ``work``, drawn if they are not there."""
    path = options.work / f"scored{SUFFIX}"
    if not path.exists():
        styles, scores = scored_samples(studio, teacher, options.scored, HELD_OUT_SEED + 2)
        save_weights(path, {"styles": styles, "scores": scores}, {}, dtype=torch.float32)
    state, _ = load_weights(path)
    return state["styles"], state["scores"]


def preset_rows(found: Sequence[Leaks]) -> Rows:
    """One row of text per preset."""
    rows: Rows = []
    for leaks in found:
        kin = {*leaks.recipe.targets, *leaks.recipe.kin}
        others = [(name, v) for name, v in zip(NAMES, leaks.up.tolist(), strict=True)
                  if name not in kin]  # fmt: skip
        most = sorted(others, key=lambda item: -abs(item[1]))[:3]
        down = float(leaks.down @ target_weights(leaks.recipe))
        rows.append((
            f"`{leaks.recipe.name}`", f"{leaks.own:+.2f}", f"{down:+.2f}", f"{leaks.success:.0%}",
            f"{leaks.leak:.2f}", f"{leaks.identity:.2f}", f"{leaks.outside:.1f}",
            ", ".join(f"{name} {value:+.2f}" for name, value in most), str(leaks.faces),
        ))  # fmt: skip
    return rows


def matrix_rows(found: Sequence[Leaks]) -> Rows:
    """The change of every main measure by every main preset at +1."""
    places = [NAMES.index(measure) for measure in MAIN.values()]
    return [
        (f"`{leaks.recipe.name}`", *(f"{leaks.up[place]:+.2f}" for place in places))
        for leaks in found
        if leaks.recipe.name in MAIN
    ]


def markdown_table(columns: Sequence[str], rows: Rows) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


HEAD = ("preset", "+1", "-1", "success", "leak", "identity", "outside", "moves most besides", "n")


def page(samples: Sequence[Leaks], real: Sequence[Leaks], compared: Rows) -> str:
    """The whole document."""
    parts: Mapping[str, str] = {
        "On held-out random faces": markdown_table(HEAD, preset_rows(samples)),
        "On real faces": markdown_table(HEAD, preset_rows(real)),
        "The main presets at +1": markdown_table(("preset", *MAIN.values()), matrix_rows(samples)),
        "Against plain directions at equal effect": markdown_table(
            ("preset", "learnt by", "leak", "identity"),
            [
                *compared,
                *((x.recipe.name, "facemod", f"{x.leak:.2f}", f"{x.identity:.2f}")
                  for x in samples if x.recipe.name in {row[0] for row in compared}),
            ],
        ),
    }  # fmt: skip
    return INTRODUCTION + "".join(f"\n## {title}\n\n{text}\n" for title, text in parts.items())


INTRODUCTION = """# What presets move, measured

Written by `facemod train leaks`. Changes are in standard deviations of natural
faces, judged by a network that was taught by other photos than the one that the presets were learnt
with; both look at 64 px. *Success* is the part of faces whose target moves by at least 0.5 at +1.5;
*leak* the mean change of the main measures (columns of the matrix) other than the own one, as a
part of the own change; *identity* the cosine of MobileFaceNet embeddings before and after;
*outside* the mean change, in levels of 255, outside of the region that the preset is about; *n* the
number of faces. The plain directions (difference of means; normal of a linear SVM between the
highest and the lowest tenth of 2,500 scored samples) move slots 0 to 8.
"""


def measure_leaks(target: Path, options: LeakOptions, tell: Tell) -> None:
    """Measure everything and write the page."""
    _, studio, teacher, judge = open_instruments(options)
    identity = load_identity(options.identity)
    held_out = studio.styles(options.samples, truncation=TRUNCATION, seed=HELD_OUT_SEED)
    real = spread_faces(options.real, options.real_faces)
    scenes = {
        "samples": Scene(studio, judge, identity, held_out),
        "real": Scene(studio, judge, identity, encoded(real)),
    }
    found: dict[str, list[Leaks]] = {name: [] for name in scenes}
    compared: Rows = []
    for recipe in sorted(RECIPES, key=lambda recipe: recipe.name not in MAIN):
        if recipe.name not in MAIN and not compared:
            scored = open_samples(options, studio, teacher)
            compared = rivals(scenes["samples"], scored, options.samples, tell)
        path = options.presets / f"{recipe.name}{SUFFIX}"
        if not path.exists():
            continue
        preset = read_preset(path)
        fine = needs_exact(preset.slots[1])
        for name, scene in scenes.items():
            if name == "real" and (fine or recipe.name not in MAIN):
                continue  # real faces are for the main presets, and exact pictures take long
            count = min(options.fine_samples if fine else options.samples, len(scene.styles))
            found[name].append(measure(recipe, preset.direction(), scene, count))
            tell(" ".join([name, *preset_rows(found[name][-1:])[0]]))
        # After every preset, because all of them take long.
        target.write_text(page(found["samples"], found["real"], compared))
