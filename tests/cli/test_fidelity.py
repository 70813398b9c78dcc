"""The ladder of fidelity, its cache, and likeness, on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fakes import FakeModel, FittingFake

from facemod.cli import run as running
from facemod.models.base import Effort


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory) -> None:
    monkeypatch.setenv("FACEMOD_CACHE", str(tmp_path_factory.mktemp("fits")))


@pytest.fixture
def fitting(use_model) -> FittingFake:
    model = FittingFake()
    use_model(model)
    return model


@pytest.mark.parametrize("rung", ["refine", "adapt"])
@pytest.mark.parametrize(
    "words",
    [
        ("edit", "a.png", "--smile", 1, "-o", "out"),
        ("mix", "a.png", "b.png", "--fine-from", "b", "-o", "out"),
        ("morph", "a.png", "b.png", "--seconds", 0.2, "-o", "out.gif"),
        ("reconstruct", "a.png", "-o", "out"),
    ],
)
def test_every_command_climbs_the_ladder(run, photo, fitting, words, rung):
    photo("a.png")
    photo("b.png", colour=(60, 140, 90))
    assert run(*words, "--fidelity", rung).code == 0
    assert fitting.fits == [Effort(rung)] * (2 if words[0] in ("mix", "morph") else 1)


def test_the_next_edit_of_a_photo_needs_no_fit(run, photo, fitting):
    photo("a.png")
    for strength in (1, 2):
        run("edit", "a.png", "--smile", strength, "--fidelity", "adapt", "-o", f"out{strength}")
    assert len(fitting.fits) == 1
    assert run("cache", "info", "--json").json["data"]["fits"] == 1
    assert "1 fits removed" in run("cache", "clear").err
    assert run("cache", "info", "--json").json["data"]["fits"] == 0


def test_fits_say_how_far_they_are_and_how_long_they_still_take(monkeypatch):
    clock = iter([0.0, 3.0, 6.0, 9.0])
    monkeypatch.setattr(running.time, "monotonic", lambda: next(clock))
    said = []
    watch = running.FitProgress(said.append)
    for step in (1, 2, 3, 4):
        watch(step, 5)
    assert said == [
        "fitting, step 2 of at most 5, 9 s left",
        "fitting, step 3 of at most 5, 6 s left",
        "fitting, step 4 of at most 5, 3 s left",
    ]


def test_the_cache_is_as_large_as_the_guide_says(run):
    guide = (Path(__file__).parents[2] / "docs" / "guide" / "edit.md").read_text()
    (said,) = re.findall(r"of at most (\d+ MB)", run("cache", "info").out)
    assert f"up\nto {said}" in guide


def test_a_zero_edit_of_an_adapted_face_keeps_every_pixel(run, photo, fitting, pixels):
    photo("a.png")
    run("edit", "a.png", "--smile", 0, "--fidelity", "adapt", "-o", "out")
    assert (pixels("a.png") == pixels("out/a.png")).all()


def test_a_model_that_cannot_be_fitted_refuses(run, photo, use_model):
    use_model(FakeModel())
    ended = run("edit", photo("a.png"), "--smile", 1, "--fidelity", "adapt", "-o", "out")
    assert ended.code == 2
    assert "cannot be fitted" in ended.err


@pytest.mark.parametrize(("photos", "rung"), [(1, "adapt"), (5, "refine"), (21, "transfer")])
def test_auto_picks_by_how_much_there_is_to_do_and_says_so(run, photo, fitting, photos, rung):
    for i in range(photos):
        photo(f"in/{i}.png", colour=(90 + i, 120, 150))
    ended = run("edit", "in", "--smile", 1, "--fidelity", "auto", "-o", "out")
    assert f"fidelity: {rung}" in ended.err
    assert fitting.fits == ([] if rung == "transfer" else [Effort(rung)] * photos)


def test_auto_leaves_models_alone_that_cannot_be_fitted(run, photo):
    ended = run("edit", photo("a.png"), "--smile", 1, "--fidelity", "auto", "-o", "out")
    assert ended.code == 0
    assert "fidelity: transfer" in ended.err


def test_going_on_asks_what_auto_was_and_not_that_it_was_auto(run, photo, fitting):
    photo("in/a.png")
    auto = ("edit", "in", "--smile", 1, "--fidelity", "auto")
    assert run(*auto).code == 0  # adapt, for a single photo
    assert "unchanged" in run(*auto).err
    assert "unchanged" in run(*auto[:-1], "adapt").err
    assert run(*auto[:-1], "transfer").code == 6
    assert run(*auto, "--dry-run", "--json").json["data"]["jobs"][0]["state"] == "made before"
    for i in range(21):
        photo(f"in/{i}.png")
    assert run(*auto).code == 6  # transfer, for so many


def test_every_face_has_a_likeness(run, photo):
    ended = run("edit", photo("a.png"), "--smile", 0, "-o", "out", "--json")
    assert ended.json["outcomes"][0]["faces"][0]["scores"]["likeness"] == 1.0
    assert "likeness 1.00" in ended.err


@pytest.mark.parametrize(
    "words",
    [("edit", "a.png", "--smile", 2), ("mix", "a.png", "b.png", "--mid-from", "b")],
)
def test_results_that_are_too_unlike_fail(run, photo, words, workplace):
    photo("a.png")
    photo("b.png", colour=(240, 20, 20))
    ended = run(*words, "--min-likeness", 1, "-o", "out", "--json")
    assert ended.code == 5
    outcome = ended.json["outcomes"][0]
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "unlike")
    assert not (workplace / "out" / "a.png").exists()
    assert run(*words, "--min-likeness", -1, "-o", "out").code == 0
