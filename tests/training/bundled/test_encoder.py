"""Training of the encoder: losses, data and the loop in miniature."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from dying import dying
from fakes import FakeDetector
from PIL import Image

from facemod.errors import InputError, ModelError
from facemod.models.wavelet.decoder import SLOTS, Decoder
from facemod.models.wavelet.distances import multi_scale_l1
from facemod.models.wavelet.encoder import Encoder
from facemod.training.bundled.encoder import Trainer, begin_from, blended
from facemod.training.bundled.losses import StyleLoss
from facemod.training.bundled.preview import PreviewDecoder, PreviewTrainer
from facemod.training.data import (
    PackedFaces,
    degrade,
    known_region,
    pack,
    photos_in,
    read_packed,
    spread_faces,
)
from facemod.training.loop import Fabric, train
from facemod.training.settings import EncoderOptions, LoopOptions, PreviewOptions, plain
from facemod.weights.files import load_weights, save_weights

BUNDLE = Path(__file__).parents[3] / "facemod/models/wavelet"


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
    (folder / "a.png").write_bytes(b"broken")
    assert [pixels is None for _, pixels in photos_in(folder)] == [True, False]
    with pytest.raises(InputError, match="neither a folder nor a zip file"):
        list(photos_in(folder / "notes.txt"))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, decoder: Decoder) -> Path:
    """A folder with the weights of a preview decoder and packed faces."""
    folder = tmp_path_factory.mktemp("files")
    preview = PreviewDecoder(decoder, torch.zeros(512))
    save_weights(folder / "preview.safetensors", preview.convs.state_dict(), {})
    rng = np.random.default_rng(0)
    faces = rng.integers(0, 255, (4, 128, 128, 3), dtype=np.uint8)
    known = np.full((4, 128, 128), 255, np.uint8)
    np.savez(folder / "faces.npz", names=np.array(list("abcd")), faces=faces, known=known)
    return folder


@pytest.fixture(scope="module", autouse=True)
def little_work() -> Iterator[None]:
    """Fewer draws and smaller sheets than a real run wants."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("facemod.training.bundled.encoder.NATURAL", 600)
        patch.setattr("facemod.training.bundled.encoder.SHOWN", 1)
        patch.setattr("facemod.training.bundled.preview.SHOWN", 1)
        yield


@pytest.fixture(scope="module")
def options(files: Path) -> EncoderOptions:
    return EncoderOptions(
        preview=files / "preview.safetensors", faces=files / "faces.npz",
        samples=2, replayed=2, reals=2, memory=6,
    )  # fmt: skip


LOOP = LoopOptions(steps=3, checkpoint_every=2, device="cpu")


def run(
    folder: Path, options: EncoderOptions, loop: LoopOptions = LOOP, dies_at: int | None = None
) -> Trainer:
    trainers = []

    def build(fabric: Fabric) -> Trainer:
        facts = plain(options, loop)
        trainers.append(Trainer(options, fabric, folder, loop.checkpoint_every, facts))
        return dying(trainers[0], dies_at)

    train(build, folder, loop, print)
    return trainers[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, options: EncoderOptions) -> Path:
    """The folder of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder, options)
    return folder


def state_of(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "state.pt", weights_only=True)["encoder"]


def test_a_run_leaves_release_weights_and_a_sheet(whole: Path) -> None:
    weights, config = load_weights(whole / "encoder.safetensors")
    Encoder().load_state_dict(weights)
    name = "heads.0.out.weight"
    assert torch.equal(weights[name], state_of(whole)[name].half().float())
    told = config["training"]
    assert (told["steps"], told["faces"], told["bundle"]) == (3, "faces.npz", "wavelet")
    assert "/" not in "".join(str(value) for value in told.values())  # nobody's folders
    sheet = np.asarray(Image.open(whole / "sheet.png"))
    assert sheet.shape == (2 * 128 + 2, 2 * 128 + 2, 3)


def test_a_killed_run_ends_like_one_that_was_not(
    tmp_path: Path, options: EncoderOptions, whole: Path
) -> None:
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, options, dies_at=2)
    run(tmp_path, options)
    resumed, expected = state_of(tmp_path), state_of(whole)
    assert all(torch.equal(resumed[name], expected[name]) for name in expected)


def test_a_run_starts_from_another(tmp_path: Path) -> None:
    first = Encoder()
    torch.nn.init.normal_(first.heads[1].out.weight)
    torch.save({"encoder": first.state_dict(), "step": 7}, tmp_path / "state.pt")
    save_weights(tmp_path / "encoder.safetensors", first.state_dict(), {})
    for name, tolerance in (("state.pt", 0), ("encoder.safetensors", 1e-2)):
        begin_from(second := Encoder(), tmp_path / name)
        weights = second.heads[1].out.weight, first.heads[1].out.weight
        assert torch.allclose(*weights, atol=tolerance)


def test_a_start_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"--start .*state.pt: holds no encoder"):
        begin_from(Encoder(), tmp_path / "state.pt")


def test_the_preview_learns_what_the_decoder_shows(tmp_path: Path) -> None:
    trainers = []

    def build(fabric: Fabric) -> PreviewTrainer:
        options = PreviewOptions(samples=1, replayed=1, memory=4)
        trainers.append(PreviewTrainer(options, fabric, tmp_path, LOOP.checkpoint_every))
        return trainers[0]

    losses = []
    train(build, tmp_path, replace(LOOP, steps=2), losses.append)
    head = load_weights(tmp_path / "preview.safetensors")[0]
    fresh = PreviewDecoder(trainers[0].preview.decoder, torch.zeros(512)).convs
    fresh.load_state_dict(head)
    assert not any(p.grad is not None for p in trainers[0].preview.decoder.parameters())
    assert np.asarray(Image.open(tmp_path / "sheet.png")).shape[0] == 2 * 128 + 2


def packed_photos() -> list[tuple[str, np.ndarray | None]]:
    rng = np.random.default_rng(1)
    colours = {"a.png": (90, 120, 150), "dark.png": (0, 0, 0), "b.png": (200, 80, 40)}
    photos: list[tuple[str, np.ndarray | None]] = [
        (name, (np.array(c) + (rng.integers(-9, 9, (90, 90, 3)) if any(c) else 0)).astype(np.uint8))
        for name, c in colours.items()
    ]
    return [*photos, ("broken.png", None)]


def test_packing_counts_what_it_leaves_out_and_keeps_every_pixel(tmp_path: Path) -> None:
    counts = pack(packed_photos(), FakeDetector(), tmp_path / "raw.npz", size=64)
    assert counts == {"faces": 2, "no-face": 1, "unreadable": 1}
    names, faces, known = read_packed(tmp_path / "raw.npz")
    assert (names, faces.shape, known.shape) == (["a.png", "b.png"], (2, 64, 64, 3), (2, 64, 64))
    assert known.all()
    pack(packed_photos(), FakeDetector(), tmp_path / "small.npz", size=64, quality=90)
    names, small, again = read_packed(tmp_path / "small.npz")
    assert (names, np.array_equal(known, again)) == (["a.png", "b.png"], True)
    assert 0 < np.abs(small.astype(int) - faces).mean() < 8
    assert (tmp_path / "small.npz").stat().st_size < (tmp_path / "raw.npz").stat().st_size / 3


def test_photos_without_faces_make_no_set(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no face was found"):
        pack(packed_photos()[1:2], FakeDetector(), tmp_path / "x.npz")
    assert not list(tmp_path.iterdir())


def test_packed_faces_reject_rubbish(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="not a packed face set"):
        PackedFaces(tmp_path / "x.npz")


def test_faces_are_spread_over_a_packed_set(tmp_path: Path) -> None:
    faces = np.repeat(np.arange(10, dtype=np.uint8), 4 * 4 * 3).reshape(10, 4, 4, 3)
    known = np.full((10, 4, 4), 255, np.uint8)
    np.savez(tmp_path / "set.npz", names=np.array(["a"] * 10), faces=faces, known=known)

    def numbers(count: int, first: int = 0) -> list[int]:
        spread = spread_faces(tmp_path / "set.npz", count, first)
        return ((spread + 1) * 127.5).round().int()[:, 0, 0, 0].tolist()

    assert numbers(3) == [0, 3, 6]
    assert numbers(3, first=1) == [1, 4, 7]
    assert numbers(20) == list(range(10))
