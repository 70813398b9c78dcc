"""Every command takes a model of any family by --model, a name or a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
import torch

from facemod.imaging.marking import mark_in
from facemod.latent import presets
from facemod.weights.files import save_weights

FAMILIES = ("automodulator", "pioneer", "balanced-pioneer")
SIDE = 64


@pytest.fixture(params=FAMILIES)
def model(request, workplace: Path, monkeypatch) -> str:
    """A tiny model among the user's own, by name."""
    return install(request.param, workplace, monkeypatch)


@pytest.fixture
def automodulator(workplace: Path, monkeypatch) -> str:
    return install("automodulator", workplace, monkeypatch)


def install(family: str, workplace: Path, monkeypatch, levels: int = 5) -> str:
    monkeypatch.setenv("FACEMOD_MODELS_DIR", str(workplace / "models"))
    tiny.write_tiny(workplace / "models", family, levels=levels)
    return "tiny"


def write_preset(folder: Path, family: str, slots: int, **facts: object) -> None:
    direction = torch.zeros(slots, tiny.LATENT)
    direction[-1, 0] = 1.0
    folder.mkdir(exist_ok=True)
    given = {
        "name": "smile", "meaning": "more", "panel": "Own", "range": [-3, 3],
        "slots": [slots - 1, slots - 1], "family": family, "guards": [], "effects": {},
        "source": "made up", **facts,
    }  # fmt: skip
    save_weights(folder / "smile.safetensors", {"direction": direction}, given)


def test_reconstruct(run, photo, pixels, model):
    ended = run("reconstruct", photo("a.png"), "--model", model, "--json")
    assert ended.code == 0, ended.err
    assert pixels("facemod-output/a.reconstruction.png").shape == (SIDE, SIDE, 3)
    assert pixels("facemod-output/a.input.png").shape == (SIDE, SIDE, 3)


def test_a_model_file_will_do(run, photo, automodulator):
    ended = run("reconstruct", photo("a.png"), "--model", Path("models") / "tiny.safetensors")
    assert ended.code == 0, ended.err


def test_edit(run, photo, pixels, model, monkeypatch):
    family = run("models", "info", model, "--json").json["data"]["family"]
    slots = 5 if family == "automodulator" else 1
    write_preset(Path("presets"), family, slots)
    monkeypatch.setattr(presets, "preset_folders", lambda: [Path("presets")])
    ended = run("edit", photo("a.png"), "--smile", 2, "--model", model, "--fidelity", "encode")
    assert ended.code == 0, ended.err
    assert (pixels("facemod-output/a.png") != pixels("a.png")).any()


def test_a_preset_of_another_family_is_refused(run, photo, model):
    ended = run("edit", photo("a.png"), "--smile", 1, "--model", model)
    assert ended.code == 7
    assert "made for wavelet models" in ended.err
    assert "presets list" in ended.err


def test_a_preset_of_another_model_is_refused(run, photo, automodulator, monkeypatch):
    write_preset(Path("presets"), "automodulator", 5, model="ffhq512")
    monkeypatch.setattr(presets, "preset_folders", lambda: [Path("presets")])
    ended = run("edit", photo("a.png"), "--smile", 1, "--model", automodulator)
    assert ended.code == 7
    assert "made for the model ffhq512, not for tiny" in ended.err
    assert run("presets", "list").out.splitlines()[1].split()[4] == "ffhq512"


def test_a_preset_learnt_with_a_model_is_for_that_model(run, photo, model, workplace, monkeypatch):
    monkeypatch.setattr(presets, "preset_folders", lambda: [workplace / "mine"])
    reds = [photo(f"red{i}.png", (200 + i, 60, 60)) for i in range(3)]
    blues = [photo(f"blue{i}.png", (60, 60, 200 + i)) for i in range(3)]
    given = [word for flag, many in (("--with", reds), ("--without", blues)) for p in many
             for word in (flag, p)]  # fmt: skip
    ended = run("presets", "learn", "red", *given, "--model", model, "-o", workplace / "mine")
    assert ended.code == 0, ended.err
    assert presets.get_preset("red").model == "tiny"


def test_mix_scales_and_blocks(run, photo, pixels, automodulator):
    a, b = photo("a.png", (200, 60, 60)), photo("b.png", (60, 60, 200))
    words = ("mix", a, b, "--model", automodulator, "--fidelity", "encode", "--crop")
    assert run(*words, "--mid-from", "b", "-o", "scales.png").code == 0
    assert run(*words, "--slots", "2-4=b", "-o", "blocks.png").code == 0
    assert run(*words, "--slots", "0-4=a", "-o", "nothing.png").code == 0
    assert (pixels("scales.png") == pixels("blocks.png")).all()
    assert (pixels("scales.png") != pixels("nothing.png")).any()
    assert run(*words, "--slots", "0-9=b").err.count("this model has slots 0 to 4") == 1


@pytest.mark.parametrize("family", FAMILIES[1:])
@pytest.mark.parametrize(
    "words",
    [
        ["mix", "a.png", "b.png", "--coarse-from", "b"],
        ["grid", "a.png", "--with", "b.png"],
        ["sample", "--fine-from", "a.png"],
    ],
)
def test_a_model_with_one_latent_says_what_it_can_do(
    run, photo, workplace, monkeypatch, family, words
):
    photo("a.png"), photo("b.png")
    ended = run(*words, "--model", install(family, workplace, monkeypatch))
    assert ended.code == 2
    assert f"a {family} model has one latent for all scales" in ended.err
    assert "it can edit, morph, sample, reconstruct and align" in ended.err
    assert not Path("facemod-output").exists()


def test_a_scale_above_the_models_size_is_refused(run, photo, automodulator):
    photo("a.png"), photo("b.png")
    ended = run("mix", "a.png", "b.png", "--fine-from", "b", "--model", automodulator)
    assert ended.code == 2
    assert "this model has no fine scales: it ends at 64 px" in ended.err


def test_morph(run, photo, model):
    a, b = photo("a.png", (200, 60, 60)), photo("b.png", (60, 60, 200))
    ended = run("morph", a, b, "--model", model, "--seconds", 0.3, "--fps", 10, "-o", "m.webp")
    assert ended.code == 0, ended.err
    assert Path("m.webp").stat().st_size > 0


def test_grid(run, photo, pixels, automodulator):
    photo("a.png"), photo("b.png")
    words = ("grid", "a.png", "--with", "b.png", "--scale", "mid", "--size", 32)
    assert run(*words, "--model", automodulator).code == 0
    height, width, _ = pixels("facemod-output/grid.png").shape
    assert height == width >= 64


def test_sample(run, pixels, model):
    assert run("sample", "-n", 2, "--seed", 3, "--model", model).code == 0
    first, second = (pixels(f"facemod-output/seed3-00{i}.png") for i in range(2))
    assert first.shape == (SIDE, SIDE, 3)
    assert (first != second).any()


def test_truncation_leads_to_the_models_centre(run, pixels, model):
    words = ("sample", "-n", 2, "--model", model)
    assert run(*words, "--truncation", 0, "-o", "none").code == 0
    assert run(*words, "--truncation", 1, "-o", "full").code == 0
    assert run(*words, "-o", "default").code == 0
    none, full, default = (
        [pixels(f"{folder}/seed0-00{i}.png").astype(int) for i in range(2)]
        for folder in ("none", "full", "default")
    )
    assert np.abs(none[0] - none[1]).max() <= 1
    assert (full[0] == default[0]).all()
    assert np.abs(full[0] - full[1]).max() > 8


def test_conditional_sampling_keeps_the_scales_of_the_photo(run, photo, pixels, automodulator):
    words = ("sample", "-n", 1, "--coarse-from", photo("a.png"), "--model", automodulator)
    assert run(*words, "-o", "some").code == 0
    assert run(*words, "--mid-from", "a.png", "-o", "all").code == 0
    assert run("reconstruct", "a.png", "--model", automodulator, "-o", "all").code == 0
    kept, reconstruction = pixels("all/seed0-000.png"), pixels("all/a.reconstruction.png")
    assert np.abs(kept.astype(int) - reconstruction).max() <= 1
    assert (pixels("some/seed0-000.png") != kept).any()


def test_noise_is_repeatable(run, pixels, automodulator):
    words = ("sample", "-n", 1, "--model", automodulator)
    for folder, more in (("quiet", ()), ("a", ("--noise", 4)), ("b", ("--noise", 4))):
        assert run(*words, *more, "-o", folder).code == 0
    quiet, a, b = (pixels(f"{folder}/seed0-000.png") for folder in ("quiet", "a", "b"))
    assert (a == b).all()
    assert (a != quiet).any()


@pytest.mark.parametrize("family", FAMILIES[1:])
def test_noise_where_there_is_none(run, workplace, monkeypatch, family):
    ended = run("sample", "--noise", 1, "--model", install(family, workplace, monkeypatch))
    assert ended.code == 2
    assert "has no noise to switch on" in ended.err


def test_results_are_marked(run, automodulator):
    from facemod.imaging.reading import open_photo

    assert run("sample", "-n", 1, "--model", automodulator).code == 0
    assert mark_in(open_photo(Path("facemod-output/seed0-000.png")).source.xmp)


def test_an_unknown_model(run, photo, workplace, monkeypatch):
    install("pioneer", workplace, monkeypatch)
    ended = run("reconstruct", photo("a.png"), "--model", "nonsense")
    assert ended.code == 2
    assert "there is bundled, tiny" in ended.err
