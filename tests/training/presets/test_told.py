"""Directions that labels of photos tell, on codes in which every number is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facemod.errors import InputError
from facemod.latent.learning import Space
from facemod.models.wavelet.decoder import SLOTS
from facemod.training.judges.attributes import MALE
from facemod.training.judges.readings import Labelled
from facemod.training.presets import told
from facemod.training.presets.levels import RANGES
from facemod.training.presets.options import PublishedOptions
from facemod.training.presets.published_recipes import RECIPES, TOLD
from facemod.training.presets.told import LabelledCodes, direction_of, told_directions
from facemod.training.presets.told_recipes import LABEL_OF, MEN, Told
from facemod.training.presets.told_recipes import TOLD as RECIPES_OF_LABELS

DIM, MANY = 8, 600
NATURAL = torch.randn(2000, 1, DIM, generator=torch.Generator().manual_seed(1))
SEX, HAIR, SMILE = range(3)
BALD = Told("Bald", (0, 1), ("smile",), MALE)


def codes() -> LabelledCodes:
    """People of whom men alone are bald, and whose baldness looks a little like a smile.

    The sex, the hair and the smile are an axis of the styles each.
    """
    draw = torch.Generator().manual_seed(2)
    sex = torch.randint(2, (MANY,), generator=draw).float()
    bald = sex * (torch.rand(MANY, generator=draw) < 0.4)
    smile = torch.randint(2, (MANY,), generator=draw).float()
    styles = 0.3 * torch.randn(MANY, SLOTS, DIM, generator=draw)
    styles[..., SMILE] += bald[:, None]
    for axis, said in ((SEX, sex), (HAIR, bald), (SMILE, smile)):
        styles[..., axis] += 2 * said[:, None]
    return LabelledCodes(styles, {MALE: sex, "Bald": bald, "Smiling": smile})


def parts(direction: torch.Tensor) -> torch.Tensor:
    """How much of a direction is along each axis, [dim], of all that it moves."""
    return direction.square().sum(0) / direction.square().sum()


def foretold(direction: torch.Tensor, label: str) -> float:
    """What a step of 10 along a direction does to the prediction of a label, in its spreads."""
    everyone, space = codes(), Space.of(NATURAL, RANGES)
    before, after = (space.read(everyone.styles[:1] + by * direction) for by in (0, 10))
    return float((after - before) @ everyone.weights(space, label))


def test_the_direction_raises_its_label_and_leaves_those_that_are_held() -> None:
    direction = direction_of(BALD, codes(), NATURAL)
    assert float(direction.norm()) == pytest.approx(1)
    assert float(parts(direction)[HAIR]) > 0.7
    assert foretold(direction, "Bald") > 1
    assert abs(foretold(direction, "Smiling")) < 0.1
    free = direction_of(replace(BALD, held=()), codes(), NATURAL)
    assert abs(foretold(free, "Smiling")) > 0.3


def test_only_what_is_to_move_moves() -> None:
    direction = direction_of(BALD, codes(), NATURAL)
    still = [slot for slot in range(SLOTS) if slot not in (*RANGES[0], *RANGES[1])]
    assert not direction[still].any()
    assert direction[: RANGES[1].stop].any(1).all()


def test_men_alone_teach_what_is_about_men() -> None:
    everyone = codes()
    men = everyone.having(MALE)
    assert len(men.styles) == len(men.labels["Bald"]) == int(everyone.labels[MALE].sum())
    assert (men.labels[MALE] == 1).all()
    # Whatever tells men from women is the same for all who teach.
    assert float(parts(direction_of(BALD, everyone, NATURAL))[SEX]) < 0.02


def test_too_few_photos_are_refused() -> None:
    few = codes()
    few.labels["Bald"][few.labels["Bald"].nonzero()[5:]] = 0
    with pytest.raises(InputError, match=r"Bald: 5 of \d+ photos have it; at least 12"):
        direction_of(BALD, few, NATURAL)


def options(folder: Path) -> PublishedOptions:
    nowhere = folder / "nothing"
    return PublishedOptions(directions=nowhere, identity=nowhere, celeba=nowhere, labels=nowhere,
                            utk=nowhere, work=folder / "work")  # fmt: skip


def test_codes_are_kept_and_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(faces: torch.Tensor) -> torch.Tensor:
        encoded.append(len(faces))
        return torch.ones(len(faces), SLOTS, DIM)

    encoded: list[int] = []
    photos = Labelled(torch.zeros(3, 3, 4, 4), torch.tensor([[1.0], [0.0], [1.0]]), ("Bald",))
    monkeypatch.setattr(told, "encoded", encode)
    monkeypatch.setattr(told, "celeba_labels", lambda path, sex: (None, ("Bald",)))
    monkeypatch.setattr(told.Labelled, "read", lambda *given: photos)
    for _ in range(2):
        found = told.read_codes(options(tmp_path))
        assert found.styles.shape == (3, SLOTS, DIM)
        assert found.labels["Bald"].tolist() == [1, 0, 1]
    assert encoded == [3]
    fewer = replace(photos, faces=photos.faces[:2], labels=photos.labels[:2])
    monkeypatch.setattr(told.Labelled, "read", lambda *given: fewer)
    with pytest.raises(InputError, match="codes of 3 photos, not of 2; remove the file"):
        told.read_codes(options(tmp_path))


def test_photos_are_read_only_if_they_are_to_tell_something(tmp_path: Path) -> None:
    assert told_directions(options(tmp_path), ()) == {}
    with pytest.raises((InputError, OSError)):
        told_directions(options(tmp_path), ("bald",))


def test_men_are_those_whom_the_table_calls_male() -> None:
    assert MEN == MALE


def test_recipes_and_what_is_told_belong_together() -> None:
    named = {name for recipe in RECIPES for name in recipe.named(TOLD)}
    assert named == set(RECIPES_OF_LABELS)
    for one in RECIPES_OF_LABELS.values():
        assert set(one.held) <= set(LABEL_OF)
        assert set(one.moved) <= set(range(len(RANGES)))
