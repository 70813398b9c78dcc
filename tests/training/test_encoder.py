"""Training of the encoder: losses, data and the loop in miniature."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facemod.errors import InputError
from facemod.models.wavelet.decoder import SLOTS, Decoder
from facemod.models.wavelet.encoder import Encoder
from facemod.models.weights import load_weights, save_weights
from facemod.training.data import PackedFaces, degrade, known_region, photos_in
from facemod.training.encoder import Options, Replay, blended, train
from facemod.training.losses import StyleLoss, multi_scale_l1
from facemod.training.preview import PreviewDecoder

BUNDLE = Path(__file__).parents[2] / "facemod/models/wavelet"


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    decoder = Decoder()
    decoder.load_state_dict(load_weights(BUNDLE / "decoder.safetensors")[0])
    return decoder


def test_style_loss_of_the_mean_is_one(decoder: Decoder) -> None:
    styles = torch.randn(512, 512)
    loss = StyleLoss(decoder, styles)
    target = styles[:, None].repeat(1, SLOTS, 1)
    mean = loss.mean.expand_as(target)
    assert loss(mean, target).item() == pytest.approx(1, rel=1e-4)
    assert loss(target, target).item() == 0
    assert loss.spread(target).item() == pytest.approx(1, rel=1e-4)


def test_masked_loss_ignores_what_is_unknown() -> None:
    a, b, known = torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16), torch.ones(1, 1, 16, 16)
    b[..., 8:] = 1
    known[..., 8:] = 0
    assert multi_scale_l1(a, b, known).item() == 0
    assert multi_scale_l1(a, b, torch.ones_like(known)).item() > 0.4


def test_blending_keeps_fully_known_faces_and_shows_the_scene_elsewhere() -> None:
    faces, known = torch.ones(2, 3, 64, 64), torch.ones(2, 1, 64, 64)
    scene = torch.zeros_like(faces)
    known[1, ..., :24] = 0
    mixed = blended(faces, scene, known)
    assert torch.equal(mixed[0], faces[0])
    assert not mixed[1, ..., :24].any()
    middle = mixed[1, :, 12:52, 36:52]
    assert torch.allclose(middle, torch.ones_like(middle))


def test_replay_forgets_the_oldest_and_returns_the_fresh_first() -> None:
    replay, rng = Replay(capacity=3), np.random.default_rng(0)
    for value in (-1.0, 0.0, 1.0):
        styles, images = torch.full((2, 1, 1), value), torch.full((2, 3, 4, 4), value)
        got, shown = replay.extended(styles, images, 2, rng)
        assert torch.equal(got[:2], styles)
    assert len(replay.styles) == 3
    assert len(got) == len(shown) == 4
    assert replay.styles[0].item() == 0


def test_degrading_is_reproducible_and_stays_in_range() -> None:
    faces = torch.rand(6, 3, 64, 64) * 2 - 1
    once, twice = (degrade(faces, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(once, twice)
    assert once.abs().max() <= 1.3
    assert not torch.equal(once, faces)


def test_known_region_marks_pixels_outside_of_the_photo() -> None:
    matrix = np.array([[1.0, 0, -4], [0, 1.0, 0]])
    known = known_region(matrix, (16, 16), 16)
    assert not known[:, :4].any()
    assert known[:, 4:].all()


def test_photos_come_from_folders_and_zip_files(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("b.png", "a.png"):
        Image.new("L", (5, 4), 7).save(folder / name)
    (folder / "notes.txt").write_text("no photo")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in folder.iterdir():
            archive.write(path, path.name)
    for source in (folder, tmp_path / "photos.zip"):
        names, pictures = zip(*photos_in(source), strict=True)
        assert names == ("a.png", "b.png")
        assert pictures[0].shape == (4, 5, 3)
    with pytest.raises(InputError, match="neither a folder nor a zip file"):
        list(photos_in(folder / "notes.txt"))


@pytest.fixture
def options(tmp_path: Path, decoder: Decoder) -> Options:
    preview = PreviewDecoder(decoder, torch.zeros(512))
    save_weights(tmp_path / "preview.safetensors", preview.convs.state_dict(), {})
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 255, (4, 128, 128, 3), dtype=np.uint8)
    np.savez(tmp_path / "faces.npz", faces=faces, known=np.full((4, 128, 128), 255, np.uint8))
    return Options(
        run=str(tmp_path / "run"),
        bundle=str(BUNDLE),
        preview=str(tmp_path / "preview.safetensors"),
        faces=str(tmp_path / "faces.npz"),
        steps=2,
        samples=2,
        replayed=2,
        reals=2,
        checkpoint_every=1,
    )


def test_a_run_leaves_loadable_weights_and_resumes(options: Options) -> None:
    train(options)
    run = Path(options.run)
    state = torch.load(run / "state.pt", weights_only=True)
    assert state["step"] == options.steps
    weights, config = load_weights(run / "encoder.safetensors")
    Encoder().load_state_dict(weights)
    assert config["training"]["steps"] == options.steps
    assert config["training"]["faces"] == "faces.npz"  # nobody's folders travel with the weights
    assert "/" not in "".join(str(value) for value in config["training"].values())
    train(options)  # finished: nothing to do, nothing lost
    again = torch.load(run / "state.pt", weights_only=True)
    assert torch.equal(again["encoder"]["mean"], state["encoder"]["mean"])


def test_packed_faces_reject_rubbish(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="not a packed face set"):
        PackedFaces(tmp_path / "x.npz")
