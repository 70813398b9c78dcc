"""Learn the presets from random faces of the decoder.

    python -m facemod.training.directions presets --work work --preview preview.safetensors \\
        --celeba celeba.npz --labels celeba-attributes.csv --utk utk.npz

Random faces are drawn and scored; a ridge regression tells how each score depends on the style
(as in InterFaceGAN, Shen et al. 2020). Two things are added. Directions live in the *whitened*
space of w, along its strongest principal axes, so that the shortest move is also the one that
stays among natural faces. And they are *conditional*: the move that raises one score holds the
scores of its guards as still as that allows.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.faces.embedded import EmbeddedDetector
from facemod.latent.presets import FAMILY, SUFFIX, TENSOR
from facemod.models.wavelet.decoder import SLOTS
from facemod.models.weights import load_weights, save_weights
from facemod.training import attributes
from facemod.training.judge import NAMES, Judge, Studio, indices, needs_exact
from facemod.training.recipes import RECIPES, Recipe

AXES = 64  # principal axes of w in which directions live
RIDGE = 50.0
TRUNCATION_DRAWN, TRUNCATION_JUDGED = 0.8, 0.7
REAL_FACES = 1500  # that give the units of pose and light
# Whitened length of strength 1 at which faces begin to fall apart; a weaker effect is honest.
LONGEST = 6.0
SMALLEST_EFFECT = 0.01  # standard deviations; smaller changes are not worth telling
BUNDLE = Path(__file__).parents[1] / "models" / "wavelet"
SOURCE = (
    "whitened ridge regression on decoder samples scored by a CNN (CelebA, UTKFace), landmarks "
    "and light, guards held softly, scaled by measured effect"
)


@dataclass(frozen=True)
class Regression:
    """How scores depend on styles: ``slopes`` [axes, attributes] over the whitened ``axes``.

    ``axes`` [axes, dim] are the principal axes of w, each as long as its standard deviation.
    """

    axes: Tensor
    slopes: Tensor

    @classmethod
    def fit(cls, styles: Tensor, scores: Tensor, axes: int = AXES) -> Regression:
        """Ridge regression of scores [N, attributes] on styles [N, dim]."""
        centred = styles - styles.mean(0)
        _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
        deviations = sizes[:axes] / len(styles) ** 0.5
        whitened = centred @ directions[:axes].T / deviations
        gram = whitened.T @ whitened + RIDGE * torch.eye(axes)
        slopes = torch.linalg.solve(gram, whitened.T @ (scores - scores.mean(0)))
        return cls(deviations[:, None] * directions[:axes], slopes)

    def direction(self, target: int, guards: list[int], firmness: float) -> Tensor:
        """The move [axes] in whitened space that raises ``target`` by one and is predicted to.

        Minimises |move|^2 + firmness * sum of squared changes of the guards, subject to the
        target rising by one. Firmness 0 ignores guards; infinity makes the move orthogonal.
        """
        wanted, held = self.slopes[:, target], self.slopes[:, guards]
        move = torch.linalg.solve(torch.eye(len(wanted)) + firmness * held @ held.T, wanted)
        return move / (move @ wanted)


def draw(studio: Studio, judge: Judge, count: int, seed: int) -> dict[str, Tensor]:
    """Random faces: styles [count, 512] and scores [count, attributes]; unseen faces left out."""
    styles = studio.styles(count, truncation=TRUNCATION_DRAWN, seed=seed)
    scores = []
    for part in styles.split(100):
        scores.append(judge.scores(studio.render(part)))
        print(f"{len(scores) * 100} of {count} faces drawn", flush=True)
    table = torch.cat(scores)
    seen = ~table.isnan().any(1)
    return {"styles": styles[seen, 0], "scores": table[seen]}


def effect(studio: Studio, judge: Judge, direction: Tensor, faces: int, seed: int) -> Tensor:
    """What strength 1 of ``direction`` [slots, dim] does to each score on fresh faces."""
    exact = needs_exact(int(direction.any(1).nonzero().max()))
    base = studio.styles(faces, truncation=TRUNCATION_JUDGED, seed=seed)
    up, down = (
        judge.scores(studio.render(base + sign * direction, exact=exact)) for sign in (1, -1)
    )
    return ((up - down) / 2).nanmean(0)


def learn(
    recipe: Recipe, regression: Regression, studio: Studio, judge: Judge, faces: int, seed: int
) -> tuple[Tensor, Tensor]:
    """A direction [slots, dim] and its measured effects [attributes] at strength 1.

    The prediction is for moving all slots; what the recipe's slots alone achieve is measured,
    and the direction scaled to one standard deviation, or to what natural faces allow.
    """
    target = NAMES.index(recipe.target)
    move = regression.direction(target, indices(recipe.guards), recipe.firmness)
    direction = torch.zeros(SLOTS, regression.axes.shape[1])
    direction[recipe.slots[0] : recipe.slots[1] + 1] = move @ regression.axes
    measured = effect(studio, judge, direction, faces, seed)
    scale = min(1 / max(float(measured[target]), 0.05), LONGEST / float(move.norm()))
    return scale * direction, scale * measured


def write(recipe: Recipe, direction: Tensor, measured: Tensor, path: Path, seed: int) -> None:
    """Write one preset file with its measured facts."""
    effects = {
        name: round(change, 3)
        for name, change in zip(NAMES, measured.tolist(), strict=True)
        if abs(change) >= SMALLEST_EFFECT
    }
    facts = {key: getattr(recipe, key) for key in ("name", "meaning", "panel", "range", "slots")}
    facts |= {"family": FAMILY, "guards": recipe.guards, "effects": effects}
    save_weights(path, {TENSOR: direction}, {**facts, "source": f"{SOURCE}; seed {seed}"})


def open_judge(args: argparse.Namespace) -> Judge:
    """The judge of the command line, training its attribute network if it is not there."""
    network = args.work / f"attributes{SUFFIX}"
    if not network.exists():
        attributes.build(network, args.celeba, args.labels, args.utk, seed=args.seed)
    judge = Judge(attributes.load(network), EmbeddedDetector(pyramid=(320,)))
    with np.load(args.celeba) as file:
        judge.calibrate(file["faces"][:REAL_FACES])
    return judge


def run(args: argparse.Namespace) -> None:
    """Every step, from random faces to preset files."""
    recipes = [r for r in RECIPES if not args.only or r.name in args.only]
    if len(recipes) < len(args.only):
        raise InputError(f"--only {' '.join(args.only)}: not all of these have a recipe")
    args.work.mkdir(parents=True, exist_ok=True)
    judge, studio = open_judge(args), Studio(BUNDLE, args.preview)
    drawn = args.work / f"drawn{SUFFIX}"
    if not drawn.exists():
        faces = draw(studio, judge, args.samples, args.seed)
        save_weights(drawn, faces, {"seed": args.seed}, dtype=torch.float32)
    state = load_weights(drawn)[0]
    regression = Regression.fit(state["styles"], state["scores"])
    for recipe in recipes:
        direction, measured = learn(recipe, regression, studio, judge, args.faces, args.seed + 1)
        write(recipe, direction, measured, args.folder / f"{recipe.name}{SUFFIX}", args.seed)
        most = sorted(zip(NAMES, measured.tolist(), strict=True), key=lambda item: -abs(item[1]))
        print(recipe.name, *(f"{name} {change:+.2f}" for name, change in most[:7]), flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the preset files go")
    parser.add_argument("--work", type=Path, required=True, help="intermediate results")
    parser.add_argument("--preview", type=Path, required=True, help="weights of the preview head")
    parser.add_argument("--celeba", type=Path, required=True, help="packed faces")
    parser.add_argument("--labels", type=Path, required=True, help="CSV of CelebA's attributes")
    parser.add_argument("--utk", type=Path, required=True, help="packed faces")
    parser.add_argument("--samples", type=int, default=2500, help="random faces to draw")
    parser.add_argument("--faces", type=int, default=12, help="to measure each preset on")
    parser.add_argument("--only", nargs="*", default=[], help="names of presets; default all")
    parser.add_argument("--seed", type=int, default=0)
    run(parser.parse_args())


if __name__ == "__main__":
    main()
