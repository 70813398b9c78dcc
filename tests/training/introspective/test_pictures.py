"""Any pictures become squares of one size; batches are drawn from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facemod.errors import InputError
from facemod.training.introspective.pictures import Pictures, gather, gathered, softened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, shape in (("wide", (8, 24)), ("tall", (40, 8))):
        pixels = np.zeros((*shape, 3), np.uint8)
        pixels[:, : shape[1] // 2] = 200  # the left half is light
        Image.fromarray(pixels).save(photos / f"{name}.png")
    (photos / "broken.png").write_bytes(b"no picture")
    return photos


def test_a_folder_becomes_centre_squares(folder: Path, tmp_path: Path) -> None:
    assert gather(folder, tmp_path / "file", 8) == (2, 1)
    pictures = Pictures(tmp_path / "file", 8)
    assert len(pictures) == 2
    assert (pictures.pixels[:, :, :2] > 190).all() and (pictures.pixels[:, :, -2:] < 10).all()


def test_a_packed_set_is_taken_as_well(tmp_path: Path) -> None:
    faces = np.full((3, 16, 16, 3), 7, np.uint8)
    known = np.full((3, 16, 16), 255, np.uint8)
    np.savez(tmp_path / "faces.npz", names=np.array(["a", "b", "c"]), faces=faces, known=known)
    assert gather(tmp_path / "faces.npz", tmp_path / "file", 8) == (3, 0)
    assert (Pictures(tmp_path / "file", 8).pixels == 7).all()


def test_batches_are_reproducible_shrunk_and_mirrored(folder: Path, tmp_path: Path) -> None:
    gather(folder, tmp_path / "file", 8)
    pictures = Pictures(tmp_path / "file", 8)
    one, two = (pictures.batch(16, 4, np.random.default_rng(1)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == (16, 3, 4, 4)
    assert one.min() >= -1 and one.max() <= 1
    light_left = one[:, 0, 0, 0] > one[:, 0, 0, -1]
    assert 0 < light_left.sum() < 16
    plain = Pictures(tmp_path / "file", 8, mirror=False).batch(16, 4, np.random.default_rng(1))
    assert (plain[:, 0, 0, 0] > plain[:, 0, 0, -1]).all()


def test_pictures_are_gathered_once(folder: Path, tmp_path: Path) -> None:
    first = gathered(folder, tmp_path / "run", 8)
    assert first.unreadable == 1
    before = first.path.stat().st_mtime_ns
    assert gathered(folder, tmp_path / "run", 8).path.stat().st_mtime_ns == before


def test_an_empty_folder_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture to train on"):
        gather(tmp_path / "empty", tmp_path / "file", 8)
    assert not (tmp_path / "file").exists()


def test_pictures_are_blended_with_their_half_size_while_a_resolution_fades_in() -> None:
    pictures = torch.zeros(1, 3, 4, 4)
    pictures[..., 0, 0] = 1
    quarter = torch.zeros(4, 4)
    quarter[:2, :2] = 0.75 * 0.25  # three quarters of what is half as large
    quarter[0, 0] += 0.25
    assert torch.allclose(softened(pictures, 0.25)[0, 1], quarter)
    assert softened(pictures, 1.0) is pictures
