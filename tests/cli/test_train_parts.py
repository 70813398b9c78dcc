"""``facemod train presets`` and its neighbours: options arrive, and results are told."""

from __future__ import annotations

from pathlib import Path

import pytest

SOURCES = ("--work", "work", "--preview", "preview.safetensors", "--real", "real.npz")


@pytest.mark.parametrize(
    ("words", "module", "function", "made", "field", "value"),
    [
        (("presets", "p", *SOURCES, "--only", "smile"), "presets.directions", "learn_presets",
         [Path("p/smile.safetensors")], "only", "smile"),
        (("published", "p", "--directions", "d.npz", "--identity", "net.ckpt", "--celeba", "c.npz",
          "--labels", "c.csv", "--utk", "u.npz", "--taught", "80"), "presets.published",
         "make_presets", [Path("p/age.safetensors")], "taught", 80),
        (("levels", "p", "--celeba", "c.npz", "--labels", "c.csv", "--utk", "u.npz", "--faces",
          "7"), "presets.levels", "fit_levels", [Path("p/smile.safetensors")], "faces", 7),
        (("leaks", "page.md", *SOURCES, "--identity", "net.ckpt", "--fine-samples", "3"),
         "presets.leaks", "measure_leaks", None, "fine_samples", 3),
        (("heads", "heads.safetensors", "--steps", "5"), "bundled.heads", "fit_heads", None,
         "steps", 5),
        (("likeness", "run", "--faces", "f.npz", "--identity", "net.ckpt", "--edits", "4"),
         "bundled.likeness", "distil", {"embedding cosine": 0.5}, "edits", 4),
        (("fidelity", "photos", "--identity", "net.ckpt", "--celeba", "c.npz",
          "--labels", "c.csv"),
         "evaluation.fidelity", "measure_fidelity", {"close": {}}, "photos", 20),
    ],
)  # fmt: skip
def test_options_arrive(run, monkeypatch, words, module, function, made, field, value):
    seen = []

    def work(target, options, tell):
        seen.append((target, getattr(options, field)))
        tell("a line for people")
        return made

    monkeypatch.setattr(f"facemod.training.{module}.{function}", work)
    ended = run("train", *words, "--json")
    assert ended.code == 0, ended.err
    assert seen == [(Path(words[1]), value)]
    assert "a line for people" in ended.err
    assert ended.json["command"] == f"train {words[0]}"
    assert "a line" not in run("train", *words, "--quiet").err


def test_what_is_needed_must_be_given(run):
    ended = run("train", "levels", "p", "--celeba", "w", "--utk", "x")
    assert ended.code == 2
    assert "--labels" in ended.err


def test_attribute_networks_need_labelled_photos(run, workplace):
    ended = run("train", "presets", "p", *SOURCES)
    assert ended.code == 2
    assert "--celeba, --labels and --utk" in ended.err
