"""Faces with labels, and the networks that are taught by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facemod.errors import InputError
from facemod.training.judges import labelled, teach_attributes
from facemod.training.judges.attributes import AGE, ETHNICITIES, MALE, RESOLUTION, AttributeNet
from facemod.training.judges.labelled import LabelledFaces

NAMES = ("Smiling", MALE, *ETHNICITIES, AGE)


def packed(path: Path, names: list[str]) -> Path:
    faces = np.stack([np.full((128, 128, 3), 20 * i, np.uint8) for i in range(len(names))])
    np.savez(
        path, names=np.array(names), faces=faces, known=np.full(faces.shape[:3], 255, np.uint8)
    )
    return path


def test_celeba_brings_its_attributes_by_name(tmp_path):
    table = tmp_path / "attributes.csv"
    table.write_text(f"name,Smiling,{MALE}\nb.jpg,0,1\na.jpg,1,0\n")
    faces, names = labelled.load_celeba(packed(tmp_path / "c.npz", ["x/a.jpg", "b.jpg"]), table)
    assert names == NAMES
    assert faces.faces.shape == (2, RESOLUTION, RESOLUTION, 3)
    assert faces.labels[:, :2].tolist() == [[1, 0], [0, 1]]
    assert np.isnan(faces.labels[:, 2:]).all()
    with pytest.raises(InputError, match=r"no attributes of c\.jpg and 0 more"):
        labelled.load_celeba(packed(tmp_path / "d.npz", ["c.jpg"]), table)


def test_utkface_brings_age_sex_and_ethnicity_and_loses_unnamed_files(tmp_path):
    path = packed(tmp_path / "u.npz", ["55_0_2_x.jpg", "__1_x.jpg", "35_1_0_x.jpg"])
    faces = labelled.load_utk(path, NAMES)
    assert faces.labels[:, NAMES.index(MALE)].tolist() == [1, 0]
    assert faces.labels[:, NAMES.index(AGE)].tolist() == [1, 0]
    assert faces.labels[0, 2 : 2 + len(ETHNICITIES)].argmax() == 2
    assert np.isnan(faces.labels[:, 0]).all()


def test_halves_and_splits_share_no_face():
    faces = LabelledFaces(np.arange(10).reshape(10, 1), np.arange(10).reshape(10, 1))
    first, second = (labelled.half(faces, which).labels.flatten() for which in (0, 1))
    assert sorted([*first, *second]) == list(range(10))
    learn, measure = labelled.split(faces, 0.3, seed=1)
    assert len(measure.labels) == 3
    assert sorted([*learn.labels.flatten(), *measure.labels.flatten()]) == list(range(10))


def test_the_area_under_the_curve_is_the_chance_of_the_right_order():
    rng = np.random.default_rng(0)
    scores, positive = rng.normal(size=50).astype(np.float32), rng.random(50) < 0.4
    wins = [s > t for s in scores[positive] for t in scores[~positive]]
    assert teach_attributes.area_under_curve(scores, positive) == pytest.approx(np.mean(wins))
    assert np.isnan(teach_attributes.area_under_curve(scores, np.zeros(50, bool)))


def test_unknown_labels_cost_nothing():
    outputs = torch.tensor([[2.0, 1.0], [5.0, -9.0]])
    known = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan]])
    loss = teach_attributes.loss_of(outputs, known)
    assert float(loss) == pytest.approx(float(torch.nn.functional.softplus(torch.tensor(-2.0))))


def test_a_network_learns_what_its_labels_say():
    rng = np.random.default_rng(0)
    bright = rng.random(256) < 0.5
    levels = np.where(bright, 150, 100) + rng.integers(-20, 20, 256)
    noise = rng.integers(-40, 40, (256, RESOLUTION, RESOLUTION, 3))
    pictures = (levels[:, None, None, None] + noise).clip(0, 255).astype(np.uint8)
    labels = np.stack([bright, np.where(bright, 1.0, -1.0)], axis=1).astype(np.float32)
    learn, measure = labelled.split(LabelledFaces(pictures, labels), 0.25, seed=0)
    torch.manual_seed(0)
    net = AttributeNet(("Bright", AGE))
    losses = list(teach_attributes.train(net, learn, epochs=4, seed=0, batch=32))
    assert losses[-1] < losses[0]
    teach_attributes.standardise(net, learn)
    scores = net.scores(learn.tensor(slice(None))).detach()
    assert scores.mean(0).abs().max() < 0.05
    assert (scores.std(0) - 1).abs().max() < 0.05
    assert teach_attributes.quality(net, measure)["Bright"] > 0.9
