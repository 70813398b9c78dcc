"""Readings by linear regression, on a network of which every feature is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from facemod.errors import InputError
from facemod.training.judges.readings import (
    UTK_NAMES,
    Labelled,
    Readings,
    Regression,
    celeba_labels,
    features_of,
    utk_label,
)


class Toy(torch.nn.Module):
    """Its embedding is the mean colour, its only map the picture."""

    def net(self, crops: Tensor) -> tuple[Tensor, list[Tensor]]:
        return crops.mean((2, 3)), [crops]


def test_a_regression_finds_a_linear_law() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(4000, 5, generator=draw) * torch.tensor([1.0, 10, 0.1, 1, 1])
    y = torch.stack([x[:, 1] / 10 + 3, -x[:, 0]], 1)
    read = Regression.fit(x, y)(x)
    assert float(torch.corrcoef(torch.stack([read[:, 0], y[:, 0]]))[0, 1]) > 0.99
    assert float(torch.corrcoef(torch.stack([read[:, 1], y[:, 1]]))[0, 1]) > 0.99
    assert float(read[:, 0].mean()) == pytest.approx(3, abs=0.05)


def test_readings_are_taught_and_tried_on_other_faces() -> None:
    red = torch.linspace(-1, 1, 80)[torch.randperm(80, generator=torch.Generator().manual_seed(0))]
    faces = torch.zeros(80, 3, 128, 128)
    faces[:, 0] = red[:, None, None]
    known = Labelled(faces, (30 + 20 * red)[:, None], ("Age",))
    readings = Readings.taught(Toy(), [known])
    assert readings.agreement["Age"] > 0.99
    assert readings.units["Age"] == pytest.approx(float((20 * red[3::4]).std()), rel=0.3)
    assert readings.reliable == readings.units
    blind = replace(readings, agreement={"Age": 0.1})
    assert blind.reliable == {}
    older = readings(faces[:2] + 0.2)["Age"] - readings(faces[:2])["Age"]
    assert float(older.min()) > 0


def test_features_are_the_embedding_and_pooled_maps() -> None:
    assert features_of(Toy(), torch.zeros(2, 3, 256, 256)).shape == (2, 3 + 3 * 9)


@pytest.mark.parametrize(
    ("name", "label"),
    [("27_1_0_2017.jpg", [27.0, 0.0]), ("8_0_3_x.jpg", [8.0, 1.0]), ("27__0_x.jpg", None),
     ("face.jpg", None)],
)  # fmt: skip
def test_names_of_utkface_tell_years_and_sex(name: str, label: list[float] | None) -> None:
    assert utk_label(name) == label


def test_celebas_table_is_read_without_the_sex(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("file,Bald,Male,Smiling\n1.jpg,1,1,0\n")
    label, names = celeba_labels(table)
    assert names == ("Bald", "Smiling")
    assert label("1.jpg") == [1.0, 0.0]
    assert label("2.jpg") is None


def packed(path: Path, names: list[str]) -> Path:
    faces = np.stack([np.full((8, 8, 3), i, np.uint8) for i in range(len(names))])
    np.savez(path, names=np.array(names), faces=faces, known=faces[..., 0])
    return path


def test_labelled_faces_are_spread_over_those_with_labels(tmp_path: Path) -> None:
    names = [f"folder/{i}_0_0_x.jpg" for i in range(9)] + ["no.jpg"]
    known = Labelled.read(packed(tmp_path / "a.npz", names), utk_label, UTK_NAMES, 3)
    assert known.labels.tolist() == [[0, 1], [3, 1], [6, 1]]
    assert known.faces.shape == (3, 3, 8, 8)


def test_a_set_without_labels_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.npz", ["no.jpg"])
    with pytest.raises(InputError, match="none of its faces has labels"):
        Labelled.read(path, utk_label, UTK_NAMES, 3)
