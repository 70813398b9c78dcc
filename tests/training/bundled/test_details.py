"""Training of the details path: draws, losses and the loop in miniature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from dying import dying
from PIL import Image

from facemod.models.wavelet.details import DetailPath
from facemod.training.bundled.details import DetailTrainer, draw_windows
from facemod.training.bundled.losses import texture_loss
from facemod.training.loop import Fabric, train
from facemod.training.settings import DetailOptions, LoopOptions, plain
from facemod.weights.files import load_weights

LOOP = LoopOptions(steps=2, checkpoint_every=1, device="cpu")


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> DetailOptions:
    folder = tmp_path_factory.mktemp("files")
    faces = np.random.default_rng(0).integers(0, 255, (4, 128, 128, 3), dtype=np.uint8)
    known = np.full((4, 128, 128), 255, np.uint8)
    np.savez(folder / "faces.npz", names=np.array(list("abcd")), faces=faces, known=known)
    return DetailOptions(
        faces=folder / "faces.npz", samples=1, replayed=0, reals=1, memory=2, warmup=1
    )


def run(folder: Path, options: DetailOptions, dies_at: int | None = None) -> None:
    def build(fabric: Fabric) -> DetailTrainer:
        return dying(DetailTrainer(options, fabric, folder, 1, plain(options, LOOP)), dies_at)

    train(build, folder, LOOP, print)


def test_a_killed_run_ends_like_one_that_was_not(
    tmp_path: Path, options: DetailOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("facemod.training.bundled.details.SHOWN", 1)
    run(tmp_path / "whole", options)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "killed", options, dies_at=1)
    run(tmp_path / "killed", options)
    files = (tmp_path / name / "details.safetensors" for name in ("whole", "killed"))
    ended = [load_weights(file)[0] for file in files]
    fresh = DetailPath().state_dict()
    assert all(torch.equal(ended[0][name], ended[1][name]) for name in fresh)
    assert ended[0]["decoder.out.weight"].any()  # starts at zero
    assert np.asarray(Image.open(tmp_path / "whole" / "sheet.png")).shape == (3 * 128 + 4, 128, 3)


def test_windows_reach_every_border() -> None:
    rng = np.random.default_rng(0)
    corners = {c for _ in range(200) for w in draw_windows(rng) for c in (w.top, w.left)}
    assert {0, 48} <= corners <= set(range(49))


def test_texture_loss_sees_blur_and_not_a_shift() -> None:
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    blurred = torch.nn.functional.avg_pool2d(noise, 5, 1, 2)
    assert texture_loss(noise, noise) == 0
    assert texture_loss(noise.roll(1, 3), noise) < 0.2 * texture_loss(blurred, noise)
