"""``facemod train FOLDER``: options, the plan, and a model that other commands take."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

SMALL = ("--resolution", 16, "--channels", "8,8,4", "--latent", 8, "--batch", 4, "--device", "cpu")


@pytest.fixture
def pictures(workplace):
    folder = workplace / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(6):
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def test_a_dry_run_shows_the_options_and_the_stages(run, pictures, workplace):
    ended = run("train", "pictures", "-o", "one", "--dry-run", "--kimg", 500, "--resolution", 32)
    assert ended.code == 0
    assert '"steps": 4883' in ended.err
    assert [line.split()[:2] for line in ended.out.splitlines()[1:]] == [
        ["4", "px"], ["8", "px"], ["16", "px"], ["32", "px"]
    ]  # fmt: skip
    assert not (workplace / "one").exists()


def test_the_published_number_of_pictures_is_the_default(run, pictures):
    words = ("train", "pictures", "-o", "one", "--dry-run", "--json")
    assert run(*words, "--resolution", 32).json["data"]["steps"] == 93750
    assert run(*words, "--minutes", 5).json["data"]["steps"] is None


def test_a_model_is_trained_and_used(run, pictures, workplace):
    words = ("train", "pictures", "-o", "one", *SMALL, "--steps", 4, "--precision", "32-true")
    ended = run(*words, "--json")
    assert ended.code == 0
    assert ended.json["data"]["finished"]
    names = {path.name for path in (workplace / "one").iterdir()}
    assert names >= {"model.safetensors", "sheet.png", "state.pt", "options.json", "stats.jsonl"}
    assert json.loads((workplace / "one/options.json").read_text())["recipe"] == "automodulator"
    facts = run("models", "info", "one/model.safetensors", "--json").json["data"]
    assert (facts["family"], facts["resolution"]) == ("automodulator", 16)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--recipe", "gan"), "pioneer, balanced, automodulator"),
        (("--resolution", 48), "16, 32, 64"),
        (("--schedule", "cats"), "knows ffhq, celebahq, lsun"),
        (("--recipe", "balanced", "--resolution", 512), "128, 256"),
        (("--channels", "8,8", "--resolution", 16), "3 numbers"),
        (("--channels", "wide"), "numbers"),
        (("--latent", 1), "at least 2"),
        (("--averaging", 1), "less than 1"),
        (("--precision", "16-mixed"), "bf16-mixed or 32-true"),
        (("--recipe", "balanced", "--precision", "bf16-mixed"), "needs 32-true"),
    ],
)
def test_senseless_options_are_refused(run, pictures, words, message):
    ended = run("train", "pictures", "-o", "one", "--dry-run", *words)
    assert ended.code == 2
    assert message in ended.err


def test_a_missing_folder_is_refused(run):
    ended = run("train", "model", "nowhere", "-o", "one")
    assert ended.code == 2
    assert "no such folder" in ended.err
