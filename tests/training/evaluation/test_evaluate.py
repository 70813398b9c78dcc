"""Measures that are known beforehand, groups, and the whole evaluation with fakes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import cast

import numpy as np
import pytest
import torch
from fakes import FakeDetector, FakeModel
from skimage.metrics import structural_similarity as reference_ssim

from facemod.errors import InputError, ModelError, NoFaceError, UsageError
from facemod.latent.codes import Codes
from facemod.latent.edits import Edit
from facemod.latent.strengths import Strength
from facemod.models.registry import load_model
from facemod.models.wavelet.model import FOLDER
from facemod.training.evaluation import report
from facemod.training.evaluation.editability import Editability, ReadOff
from facemod.training.evaluation.evaluate import evaluate, open_model, sheet
from facemod.training.evaluation.groups import (
    FEWEST,
    Group,
    by_group,
    table_groups,
    utk_groups,
    worst_of,
)
from facemod.training.evaluation.metrics import (
    FaceMetric,
    Reconstructed,
    _ssim_maps,
    face_metrics,
    known_psnr,
    landmark_error,
    landmarks_of,
    ms_ssim,
    natural_spread,
    spread,
    variation,
)
from facemod.training.judges.readings import Readings
from facemod.weights.files import load_weights, save_weights

SIDE = 256
LIKENESS = FaceMetric("likeness", "", "high", 2, lambda face: 0.0)


def picture(seed: int = 0) -> torch.Tensor:
    """Smooth noise [1, 3, 256, 256] in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(-1, 1)


def face(original: torch.Tensor, image: torch.Tensor, styles: torch.Tensor | None = None):
    styles = torch.zeros(1, 16, 3) if styles is None else styles
    codes = Codes(styles, "wavelet", FakeModel.info.slot_resolutions)
    known = torch.ones(1, 1, *original.shape[2:])
    return Reconstructed("x", original, image, known, codes, 0.1, 0.2)


def test_psnr_of_a_known_error_and_of_what_is_known() -> None:
    measured = face(picture(), picture() + 0.2)
    assert known_psnr(measured) == pytest.approx(10 * math.log10(4 / 0.04), abs=1e-3)
    half = torch.ones(1, 1, SIDE, SIDE)
    half[..., SIDE // 2 :] = 0
    spoilt = picture() + 0.2
    spoilt[..., SIDE // 2 :] = 9
    assert known_psnr(replace(measured, image=spoilt, known=half)) == pytest.approx(20, abs=1e-3)


def test_structural_similarity_is_what_the_reference_computes() -> None:
    a, b = picture(0), (picture(0) + 0.3 * picture(1)).clamp(-1, 1)
    taps = torch.exp(-((torch.arange(11.0) - 5) ** 2) / 4.5)
    taps = taps / taps.sum()
    contrast, luminance = _ssim_maps(a, b, (taps[:, None] * taps).expand(3, 1, 11, 11))
    expected = reference_ssim(
        a[0].numpy(), b[0].numpy(), channel_axis=0, data_range=2,
        gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
    )  # fmt: skip
    assert float((contrast * luminance).mean()) == pytest.approx(expected, abs=2e-3)


def test_multi_scale_similarity_orders_pictures_and_heeds_the_mask() -> None:
    a, other, known = picture(0), picture(1), torch.ones(1, 1, SIDE, SIDE)
    scores = [float(ms_ssim(a, (1 - t) * a + t * other, known)) for t in (0, 0.2, 0.5, 1)]
    assert scores[0] == pytest.approx(1, abs=1e-4)
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] < 0.3
    half, mask = a.clone(), known.clone()
    half[..., SIDE // 2 :] = other[..., SIDE // 2 :]
    mask[..., SIDE // 2 :] = 0
    assert float(ms_ssim(a, half, known)) < 0.8
    assert float(ms_ssim(a, half, mask)) == pytest.approx(1, abs=1e-4)
    assert float(ms_ssim(a, other, mask)) < 0.3


class Shifting(FakeDetector):
    """Puts the eyes and mouth of the second picture it sees 5 % of the eye distance lower."""

    def __init__(self) -> None:
        self.calls = 0

    def detect(self, rgb: np.ndarray):
        self.calls += 1
        found = super().detect(rgb)
        if self.calls == 2:
            eyes = found[0].landmarks[1] - found[0].landmarks[0]
            moved = found[0].landmarks + np.array([0, 0.05 * np.hypot(*eyes)])
            found = [replace(found[0], landmarks=moved)]
        return found


def test_landmark_error_is_in_percent_of_the_eye_distance() -> None:
    assert landmark_error(Shifting(), face(picture(), picture())) == pytest.approx(5)
    lost = face(picture(), torch.full((1, 3, SIDE, SIDE), -1.0))
    assert math.isnan(landmark_error(FakeDetector(), lost))


def test_landmarks_are_those_of_the_face_in_the_middle() -> None:
    class Crowd(FakeDetector):
        def detect(self, rgb: np.ndarray):
            (middle,) = super().detect(rgb)
            mirrored = replace(middle, landmarks=middle.landmarks - [0, 150], verify=9.0)
            return [mirrored, middle]

    points = landmarks_of(Crowd(), picture())
    assert np.allclose(points, FakeDetector().detect(np.full((256, 256, 3), 99))[0].landmarks)


def test_latent_statistics_have_natural_units() -> None:
    model = FakeModel()
    mean, distance = natural_spread(model)
    drawn = model.sample(64, seed=3, truncation=1.0)
    measured = [face(picture(), picture(), drawn.styles[i : i + 1]) for i in range(64)]
    squares = [spread(mean, distance, f) ** 2 for f in measured]
    assert np.mean(squares) == pytest.approx(1, abs=0.2)
    assert variation(distance, measured[0]) == pytest.approx(0, abs=1e-6)
    assert spread(mean, distance, face(picture(), picture(), mean.expand(1, 16, 3))) < 1e-3
    assert variation(distance, face(picture(), picture(), torch.randn(1, 16, 3))) > 0.5


def photos() -> list[tuple[str, np.ndarray | None]]:
    rng = np.random.default_rng(0)
    return [
        ("25_1_2_x.jpg", rng.integers(60, 200, (90, 90, 3), dtype=np.uint8)),
        ("dark.jpg", np.zeros((64, 64, 3), np.uint8)),
        ("broken.jpg", None),
        ("70_0_1_x.jpg", rng.integers(60, 200, (80, 80, 3), dtype=np.uint8)),
    ]


def test_evaluation_measures_every_face_and_says_what_it_left_out() -> None:
    model, detector = FakeModel(), FakeDetector()
    metrics = [*face_metrics(model, detector, None)]
    found = evaluate(model, detector, photos(), metrics, keep=1)
    assert [name for name, _ in found.scores] == ["25_1_2_x.jpg", "70_0_1_x.jpg"]
    assert found.problems == ["dark.jpg: no face", "broken.jpg: unreadable"]
    assert [kept.image.shape[-1] for kept in found.kept] == [256]
    scores = found.scores[0][1]
    assert scores["landmarks"] == pytest.approx(0, abs=1e-6)
    assert 0 < scores["psnr"] < 30
    assert scores["decode"] > 0
    assert sheet(found.kept).shape == (256, 2 * 256 + 4, 3)
    told = report.as_json(found, metrics, [], {})
    assert (told["faces"], told["photos"][1]["name"]) == (2, "70_0_1_x.jpg")
    table = report.measures(found, metrics)
    assert [row[0] for row in table.rows][:3] == ["ms-ssim", "psnr", "landmarks"]


def test_no_face_at_all_is_an_error() -> None:
    with pytest.raises(NoFaceError):
        evaluate(FakeModel(), FakeDetector(), photos()[1:3], [], keep=0)


class Redness:
    """Tells how much redder a picture became, called like the preset that should do it."""

    names = ("smile",)

    def changes(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
        return (after - before)[:, :1].mean((2, 3))


def test_editability_compares_real_faces_with_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    model = FakeModel()
    preset = type("Preset", (), {"family": "wavelet"})
    named = {"smile": preset, "frown": preset}
    monkeypatch.setattr("facemod.training.evaluation.editability.find_presets", lambda: (named, []))
    direction = torch.full((16, 3), 0.1)

    def moved(strengths: dict[str, Strength], *_: object, **__: object) -> Edit:
        return lambda codes: codes.shifted(strengths["smile"].value * direction)

    monkeypatch.setattr("facemod.training.evaluation.editability.preset_edit", moved)
    inside = face(picture(), picture(), torch.zeros(1, 16, 3))
    at_the_edge = face(picture(), picture(), torch.ones(1, 16, 3))  # and cannot get redder
    found = Editability([Redness()], 2).measure(model, [inside, at_the_edge])
    assert set(found) == {"smile"}
    assert found["smile"]["on samples"] == pytest.approx(0.1, abs=0.02)
    assert found["smile"]["on real"] == pytest.approx(0.075, abs=1e-5)
    assert found["smile"]["share"] == pytest.approx(0.75, abs=0.15)


class Reds:
    """Readings of pictures: how red they are, said to be their smile, and a guess."""

    reliable = MappingProxyType({"Smiling": 0.4})

    def __call__(self, faces: torch.Tensor) -> dict[str, torch.Tensor]:
        redness = faces[:, 0].mean((1, 2))
        return {"Smiling": redness, "Bangs": torch.rand(len(faces))}


def test_only_reliable_readings_tell_of_presets() -> None:
    measures = ReadOff(cast(Readings, Reds()))
    assert measures.names == ("smile",)
    gray = torch.zeros(2, 3, SIDE, SIDE)
    assert measures.changes(gray, gray + 0.3).flatten().tolist() == pytest.approx([0.3, 0.3])


def test_the_first_measure_that_knows_a_preset_is_asked() -> None:
    model = load_model()
    codes = [model.sample(1, seed=seed) for seed in (1, 2)]
    faces = [face(picture(), picture(), one.styles) for one in codes]

    class Never(Redness):
        def changes(self, before: torch.Tensor, after: torch.Tensor) -> torch.Tensor:
            raise AssertionError("another measure was first")

    found = Editability([Redness(), Never()], 1).measure(model, faces)
    assert list(found) == ["smile"] and math.isfinite(found["smile"]["share"])


def test_utk_names_tell_groups() -> None:
    assert utk_groups("part1/31_1_2_2017.jpg") == {"sex": "female", "race": "Asian", "age": "20-34"}
    assert utk_groups("90_0_0_x.jpg") == {"sex": "male", "race": "White", "age": "65+"}
    assert utk_groups("61_1_2017.jpg") == {"sex": "female", "age": "50-64"}  # one has no race
    assert utk_groups("holiday.jpg") == {}


def test_a_table_tells_groups(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("file,hair,hat\na.png,red,yes\nb.png,grey,\n")
    groups = table_groups(table)
    assert groups("deep/a.png") == {"hair": "red", "hat": "yes"}
    assert groups("b.png") == {"hair": "grey"}
    assert groups("c.png") == {}
    table.write_text("only\nnames\n")
    with pytest.raises(InputError, match="--groups"):
        table_groups(table)


def test_group_means_leave_out_what_could_not_be_measured() -> None:
    values = [("20_0_0_a", 0.2), ("20_0_1_b", 0.6), ("70_1_1_c", math.nan)]
    scores = [(name, {"likeness": value}) for name, value in values]
    groups = {g.name: g for g in by_group(scores, utk_groups, [LIKENESS])}
    assert groups["sex: male"].means["likeness"] == pytest.approx(0.4)
    assert groups["race: Black"].means["likeness"] == pytest.approx(0.6)
    assert groups["race: Black"].faces == 2
    assert math.isnan(groups["age: 65+"].means["likeness"])
    listing = report.by_groups(list(groups.values()), [LIKENESS])
    assert ("sex: female", "1", "-") in listing.rows
    assert listing.markdown().splitlines()[:2] == [
        "| group | faces | likeness |", "| --- | ---: | ---: |",
    ]  # fmt: skip


def group(value: str, likeness: float, faces: int = FEWEST, kind: str = "race") -> Group:
    return Group(kind, value, faces, {"likeness": likeness})


def test_the_worst_group_is_named_with_its_distance_from_the_best() -> None:
    groups = [group("White", 0.5), group("Black", 0.4), group("tiny", 0.1, faces=FEWEST - 1),
              group("old", 0.3, kind="age"), group("young", 0.32, kind="age")]  # fmt: skip
    line = worst_of(groups, LIKENESS)
    assert line == (
        "worst group by likeness: race: Black with 0.40, 20 % from the best, race: White with 0.50"
    )
    low = replace(LIKENESS, best="low")
    assert "race: White with 0.50, 25 % from the best, race: Black with 0.40" in worst_of(
        groups, low
    )
    assert worst_of(groups[:1], LIKENESS) is None


def test_models_come_by_name_or_as_weights_of_a_part(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nope"):
        open_model("nope", "cpu")
    for part in ("encoder", "details"):
        path = tmp_path / f"{part}-of-a-run.safetensors"
        state, config = load_weights(FOLDER / f"{part}.safetensors")
        name = next(name for name, tensor in state.items() if tensor.ndim == 4)
        state[name][:] = 0.25
        save_weights(path, state, config)
        network = getattr(open_model(str(path), "cpu"), part)
        assert bool((network.state_dict()[name] == 0.25).all())
    save_weights(tmp_path / "other.safetensors", {"x": torch.zeros(1)}, {})
    with pytest.raises(ModelError, match=r"other\.safetensors"):
        open_model(str(tmp_path / "other.safetensors"), "cpu")
