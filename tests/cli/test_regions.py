"""``--only``, ``--protect`` and ``--mask``: where an edit may show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import facemod.fidelity.regions as regions
from facemod.faces.region_names import CLASSES
from facemod.latent import presets
from facemod.weights.files import load_weights, save_weights


@pytest.fixture(autouse=True)
def left_half_is_hair(monkeypatch):
    """A segmenter that takes the left half of every face for hair and the right for mouth."""

    def segment(faces):
        likely = torch.zeros(len(faces), len(CLASSES), 128, 128)
        likely[:, CLASSES.index("hair"), :, :64] = 1
        likely[:, CLASSES.index("mouth"), :, 64:] = 1
        return likely

    monkeypatch.setattr(regions, "segment", segment)


@pytest.fixture
def presets_here(workplace, monkeypatch):
    """Write presets that do what smile does, by other names and for other regions."""
    state, facts = load_weights(presets.get_preset("smile").path)
    monkeypatch.setattr(presets, "preset_folders", lambda: [workplace])

    def write(**regions: list[list[float]]) -> None:
        for name, region in regions.items():
            known = {**facts, "name": name, "region": region}
            save_weights(workplace / f"{name}.safetensors", state, known)

    return write


LEFT, RIGHT = (slice(44, 52), slice(36, 44)), (slice(44, 52), slice(54, 60))


def changed(run, pixels, *words: str) -> tuple[bool, bool]:
    """Whether an edit with these options changes the left and the right of the face."""
    ended = run(*words, "-o", "out.png", "--overwrite")
    assert ended.code == 0, ended.err
    before, after = pixels("me.png"), pixels("out.png")
    return tuple(not np.array_equal(before[part], after[part]) for part in (LEFT, RIGHT))


@pytest.mark.parametrize("fidelity", ["transfer", "encode"])
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), (True, True)),
        (("--only", "hair"), (True, False)),
        (("--only", "face"), (False, True)),
        (("--protect", "mouth,nose"), (True, False)),
        (("--only", "hair,mouth", "--protect", "hair"), (False, True)),
    ],
)
def test_edits_stay_in_their_regions(run, photo, pixels, presets_here, words, expected, fidelity):
    presets_here(smile=[])
    photo("me.png")
    edit = ("edit", "me.png", "--smile", "+2", "--fidelity", fidelity)
    assert changed(run, pixels, *edit, *words) == expected


def test_a_mask_of_ones_own(run, photo, pixels, presets_here):
    presets_here(smile=[])
    photo("me.png")
    mask = np.zeros((96, 96), np.uint8)
    mask[:, 48:] = 255
    Image.fromarray(mask).save("mask.png")
    assert changed(run, pixels, "edit", "me.png", "--smile", "+2", "--mask", "mask.png") == (
        False,
        True,
    )


def test_mixes_stay_in_their_regions_too(run, photo, pixels):
    photo("me.png"), photo("other.png", (190, 60, 60))
    words = ("mix", "me.png", "other.png", "--mid-from", "other", "--only", "mouth")
    assert changed(run, pixels, *words) == (False, True)


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("--only", "ears"), 2, "--only ears: regions are mouth, eyes"),
        (("--protect", ","), 2, "--protect ,: regions are"),
        (("--mask", "missing.png"), 3, "missing.png: no such file"),
        (("--mask", "small.png"), 3, "--mask is 10 x 20 px and the photo 96 x 96 px"),
    ],
)
def test_regions_that_make_no_sense(run, photo, words, code, complaint):
    photo("me.png")
    Image.new("L", (10, 20)).save("small.png")
    ended = run("edit", "me.png", "--smile", "+1", *words)
    assert ended.code == code
    assert complaint in ended.err.replace("\n", " ")


def test_presets_stay_where_they_belong_unless_regions_are_named(run, photo, pixels, presets_here):
    photo("me.png")
    presets_here(smile=[[0, 0, 0.45, 1]], age=[])
    smile = ("edit", "me.png", "--smile", "+1")
    assert changed(run, pixels, *smile) == (True, False)
    assert changed(run, pixels, *smile, "--fidelity", "encode") == (True, True)
    assert changed(run, pixels, *smile, "--only", "hair,mouth") == (True, True)
    assert changed(run, pixels, *smile, "--age", "+1") == (True, True)
