"""Learn the presets from random faces of the decoder.

    python -m facemod.training.directions presets --work work --preview preview.safetensors \\
        --celeba celeba.npz --labels celeba-attributes.csv --utk utk.npz

Random faces are drawn and scored; a ridge regression of each score on the style gives one *raw*
direction per attribute (as in InterFaceGAN, Shen et al. 2020); what raw directions do in each
group of slots is measured, and mixed into conditional directions
(:mod:`facemod.training.conditional`). Slow steps leave their result in the work folder and are
skipped when it is there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.faces.embedded import EmbeddedDetector
from facemod.latent.presets import FAMILY, SUFFIX, TENSOR
from facemod.models.weights import load_weights, save_weights
from facemod.training import attributes
from facemod.training.conditional import (
    SLOT_GROUPS,
    Bench,
    Effects,
    learn,
    placed,
    regress,
    shrunk_precision,
)
from facemod.training.judge import NAMES, Judge, Studio, indices, needs_exact
from facemod.training.recipes import RECIPES, Recipe

STEP = 1.5  # predicted standard deviations by which raw directions are tried out
TRUNCATION_DRAWN, TRUNCATION_JUDGED = 0.8, 0.7
# In fine slots, where trying out is slow, only raw directions that may act on colour are tried.
COLOURFUL = (
    "age", "gender", "pale", "hair-black", "hair-blond", "hair-brown", "hair-gray", "makeup",
    "lipstick", "rosy-cheeks", "skin-light", "backdrop-light",
)  # fmt: skip
REAL_FACES = 1500  # that give the units of pose and light
SMALLEST_EFFECT = 0.01  # standard deviations; smaller changes are not worth telling
BUNDLE = Path(__file__).parents[1] / "models" / "wavelet"
SOURCE = (
    "ridge regression on decoder samples scored by a CNN (CelebA, UTKFace), landmarks and light; "
    "side effects measured per slot group and removed"
)


@dataclass(frozen=True)
class Workshop:
    """What learning needs: pictures, scores, a folder for intermediate results, and a seed."""

    studio: Studio
    judge: Judge
    work: Path
    seed: int

    def measure(self, styles: Tensor, *, exact: bool = False) -> Tensor:
        """Styles [N, 16, 512] -> scores [N, attributes]."""
        return self.judge.scores(self.studio.render(styles, exact=exact))

    def bench(self, count: int, *, stream: int, exact: bool = False) -> Bench:
        """``count`` faces to try directions on; other streams hold other faces."""
        seed = self.seed + 1000 * stream
        base = self.studio.styles(count, truncation=TRUNCATION_JUDGED, seed=seed)
        return Bench(partial(self.measure, exact=exact), base)

    def kept(self, name: str, make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        """The tensors of an earlier run, or new ones by ``make``, which are kept."""
        path = self.work / f"{name}{SUFFIX}"
        if not path.exists():
            save_weights(path, make(), {"seed": self.seed}, dtype=torch.float32)
        return load_weights(path)[0]


def draw(shop: Workshop, count: int) -> dict[str, Tensor]:
    """Random faces: styles [count, 512] and scores [count, attributes], 0 and unseen if NaN."""
    styles = shop.studio.styles(count, truncation=TRUNCATION_DRAWN, seed=shop.seed)
    scores = []
    for part in styles.split(100):
        scores.append(shop.measure(part))
        print(f"{len(scores) * 100} of {count} faces drawn", flush=True)
    table = torch.cat(scores)
    seen = ~table.isnan().any(1)
    return {"styles": styles[seen, 0], "scores": table[seen]}


def try_out(shop: Workshop, raw: Tensor, faces: int, exact_faces: int) -> dict[str, Tensor]:
    """What :class:`Effects` knows about raw directions [attributes, dim]."""
    table = torch.zeros(len(NAMES), len(NAMES), len(SLOT_GROUPS))
    tried = torch.zeros(len(NAMES), len(SLOT_GROUPS), dtype=torch.bool)
    for group, (first, last) in enumerate(SLOT_GROUPS):
        exact = needs_exact(last)
        bench = shop.bench(exact_faces if exact else faces, stream=1, exact=exact)
        directions = indices(COLOURFUL if exact else NAMES)
        tried[directions, group] = True
        for direction in directions:
            shift = placed(STEP * raw[direction], first, last, bench.base.shape[1])
            table[:, direction, group] = bench.slope(shift) / STEP
        print(f"raw directions tried in slots {first}-{last}", flush=True)
    return {"table": table, "tried": tried}


def describe(recipe: Recipe, change: Tensor, seed: int) -> dict[str, Any]:
    """The facts of a preset's file; ``change`` [attributes] is what strength 1 does."""
    measured = {name: round(float(x), 3) for name, x in zip(NAMES, change, strict=True)}
    return {
        **{key: getattr(recipe, key) for key in ("name", "meaning", "panel", "range", "slots")},
        "family": FAMILY,
        "guards": recipe.guards,
        "effects": {name: x for name, x in measured.items() if abs(x) >= SMALLEST_EFFECT},
        "source": f"{SOURCE}; seed {seed}",
    }


def make_preset(
    recipe: Recipe, effects: Effects, bench: Bench, held_out: Bench, path: Path, seed: int
) -> None:
    """Learn one preset on the faces of ``bench``, measure it on others, write its file."""
    direction = learn(recipe, effects, bench)
    facts = describe(recipe, held_out.rise(direction), seed)
    save_weights(path, {TENSOR: direction}, facts)
    most = sorted(facts["effects"].items(), key=lambda item: -abs(item[1]))[:7]
    print(recipe.name, *(f"{name} {x:+.2f}" for name, x in most), flush=True)


def open_workshop(args: argparse.Namespace) -> Workshop:
    """The workshop of the command line, training the attribute network if it is not there."""
    args.work.mkdir(parents=True, exist_ok=True)
    network = args.work / "attributes.safetensors"
    if not network.exists():
        attributes.build(network, args.celeba, args.labels, args.utk, seed=args.seed)
    judge = Judge(attributes.load(network), EmbeddedDetector(pyramid=(320,)))
    with np.load(args.celeba) as file:
        judge.calibrate(file["faces"][:REAL_FACES])
    return Workshop(Studio(BUNDLE, args.preview), judge, args.work, args.seed)


def run(shop: Workshop, folder: Path, args: argparse.Namespace) -> None:
    """Every step, from random faces to preset files."""
    drawn = shop.kept("drawn", lambda: draw(shop, args.samples))
    raw = regress(drawn["styles"], drawn["scores"])
    tried = shop.kept("tried", lambda: try_out(shop, raw, args.faces, args.exact_faces))
    effects = Effects(raw, **tried, precision=shrunk_precision(drawn["styles"]))
    chosen = [r for r in RECIPES if not args.only or r.name in args.only]
    if len(chosen) < len(args.only):
        raise InputError(f"--only {' '.join(args.only)}: not all of these have a recipe")
    for exact in (False, True):
        recipes = [r for r in chosen if needs_exact(r.slots[1]) == exact]
        if not recipes:
            continue
        count = args.exact_faces if exact else args.faces
        bench, held_out = (shop.bench(2 * count, stream=s, exact=exact) for s in (2, 3))
        for recipe in recipes:
            path = folder / f"{recipe.name}{SUFFIX}"
            make_preset(recipe, effects, bench, held_out, path, shop.seed)


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
    parser.add_argument("--faces", type=int, default=16, help="to try raw directions on")
    parser.add_argument("--exact-faces", type=int, default=8, help="the same, in fine slots")
    parser.add_argument("--only", nargs="*", default=[], help="names of presets; default all")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    run(open_workshop(args), args.folder, args)


if __name__ == "__main__":
    main()
