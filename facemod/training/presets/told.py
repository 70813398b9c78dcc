"""Directions that people tell: how the codes of photos differ that have a label from the others.

Nobody has published a direction that takes people's hair off. So what CelebA's labels say of photos
is predicted from the photos' codes by ridge regression, and the direction is the shortest move
among natural faces that raises the prediction and leaves that of other labels where it is
(:mod:`facemod.latent.learning`). Hair and beards are learnt from men alone: among all people, they
would mean being a man, or a woman, first.

Evenly spread photos teach better than more of those that have a label: bald men who were sought out
wear glasses more often than others do, and so did those whose hair their direction took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.latent.learning import Space, conditional_move, regressed
from facemod.models.wavelet import model as wavelet
from facemod.models.wavelet.decoder import SLOTS
from facemod.training.judges.readings import Labelled, celeba_labels
from facemod.training.presets.levels import DRAWN, RANGES
from facemod.training.presets.options import PublishedOptions
from facemod.training.presets.studio import encoded
from facemod.training.presets.told_recipes import LABEL_OF, TOLD, Told
from facemod.weights.files import load_weights, save_weights

FEWEST = 12  # photos that have a label, and as many that have not, to learn from
CODES = "codes.safetensors"
STYLES = "styles"


@dataclass(frozen=True)
class LabelledCodes:
    """Codes of photos, and what people say of them."""

    styles: Tensor
    """[N, slots, dim]"""
    labels: Mapping[str, Tensor]
    """[N] each, 1 for yes and 0 for no."""

    def having(self, label: str) -> LabelledCodes:
        """Those that have a label."""
        chosen = self.labels[label] > 0
        said = {name: each[chosen] for name, each in self.labels.items()}
        return LabelledCodes(self.styles[chosen], said)

    def weights(self, space: Space, label: str) -> Tensor:
        """What predicts a label from coordinates, [K]; over these photos, its spread is 1.

        Raises:
            InputError: too few of them have it, or have it not.
        """
        said = self.labels[label]
        count = int(said.sum())
        if min(count, len(said) - count) < FEWEST:
            raise InputError(
                f"{label}: {count} of {len(said)} photos have it; at least {FEWEST} have to, and "
                "as many not (--told takes more)"
            )
        coordinates = space.read(self.styles)
        weights, _ = regressed(coordinates, said - said.mean())
        return weights / (coordinates @ weights).std()


def direction_of(told: Told, codes: LabelledCodes, natural: Tensor) -> Tensor:
    """The direction [slots, dim], of length 1, along which a label's prediction rises.

    ``natural`` are random styles [N, slots, dim]. Raises InputError as above.
    """
    space = Space.of(natural, RANGES)
    moves = torch.tensor([float(i in told.moved) for i in range(len(RANGES))])
    moves = moves.repeat_interleave(len(space.axes))
    labels = [LABEL_OF[name] for name in told.held]
    held = [codes.weights(space, label) * moves for label in labels]
    teaching = codes.having(told.among) if told.among else codes
    wanted = teaching.weights(space, told.label) * moves
    direction = space.move(conditional_move(wanted, torch.stack(held, 1) if held else None), SLOTS)
    return direction / direction.norm()


def told_directions(options: PublishedOptions, names: Iterable[str]) -> dict[str, Tensor]:
    """The directions called so, of :data:`TOLD`.

    Raises:
        InputError: photos or labels are missing, or too few photos have what is to be learnt.
    """
    wanted = sorted(names)
    if not wanted:
        return {}
    codes = read_codes(options)
    model = wavelet.load("cpu")
    natural = model.sample(DRAWN, seed=options.seed, truncation=1.0).styles[:, :1]
    return {name: direction_of(TOLD[name], codes, natural) for name in wanted}


def read_codes(options: PublishedOptions) -> LabelledCodes:
    """Codes of photos of CelebA, evenly spread. Those in ``options.work`` are used again.

    Raises:
        InputError: photos or labels are missing, or the kept codes are of other photos.
    """
    known, names = celeba_labels(options.labels, sex=True)
    photos = Labelled.read(options.celeba, known, names, options.told)
    path = options.work / CODES
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_weights(path, {STYLES: encoded(photos.faces)}, {"photos": len(photos.faces)})
    styles = kept_codes(path)
    if len(styles) != len(photos.faces):
        raise InputError(
            f"{path}: codes of {len(styles)} photos, not of {len(photos.faces)}; remove the file, "
            "and they are made anew"
        )
    return LabelledCodes(styles, dict(zip(names, photos.labels.T, strict=True)))


def kept_codes(path: Path) -> Tensor:
    """The styles [N, slots, dim] in a file of codes; ModelError if it is none."""
    return load_weights(path)[0][STYLES]
