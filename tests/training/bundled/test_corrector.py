"""Training of the corrector: the loop in miniature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from dying import dying
from PIL import Image

from facemod.models.wavelet.corrector import Corrector
from facemod.training.bundled import corrector
from facemod.training.bundled.corrector import CorrectorTrainer
from facemod.training.loop import Fabric, train
from facemod.training.settings import CorrectorOptions, LoopOptions, plain
from facemod.weights.files import load_weights

LOOP = LoopOptions(steps=2, checkpoint_every=1, device="cpu")


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> CorrectorOptions:
    faces = np.random.default_rng(0).integers(0, 255, (4, 128, 128, 3), dtype=np.uint8)
    known = np.full((4, 128, 128), 255, np.uint8)
    path = tmp_path_factory.mktemp("files") / "faces.npz"
    np.savez(path, names=np.array(list("abcd")), faces=faces, known=known)
    return CorrectorOptions(faces=path, samples=1, reals=1, twice=0.5, warmup=1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads add up these gradients in an order that changes from run to run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(folder: Path, options: CorrectorOptions, dies_at: int | None = None) -> None:
    def build(fabric: Fabric) -> CorrectorTrainer:
        return dying(CorrectorTrainer(options, fabric, plain(options, LOOP)), dies_at)

    train(build, folder, LOOP, print)


def test_a_killed_run_ends_like_one_that_was_not(
    tmp_path: Path, options: CorrectorOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrector, "SHOWN", 1)
    run(tmp_path / "whole", options)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "killed", options, dies_at=1)
    run(tmp_path / "killed", options)
    files = (tmp_path / name / "corrector.safetensors" for name in ("whole", "killed"))
    ended = [load_weights(file)[0] for file in files]
    fresh = Corrector().state_dict()
    assert all(torch.equal(ended[0][name], ended[1][name]) for name in fresh)
    moved = ended[0]["shared.out.weight"].abs().max()
    assert 0 < moved < 0.01  # starts at zero, and not with what ships
    assert np.asarray(Image.open(tmp_path / "whole" / "sheet.png")).shape == (3 * 128 + 4, 128, 3)


def test_both_sets_of_faces_are_drawn_from(options: CorrectorOptions) -> None:
    both = CorrectorOptions(faces=options.faces, others=options.faces, samples=1, reals=4)
    trainer = CorrectorTrainer(both, Fabric(accelerator="cpu"), {})
    faces, known = trainer.real_faces(np.random.default_rng(0))
    assert (len(faces), len(known)) == (4, 4)
