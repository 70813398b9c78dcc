"""``facemod bench --save`` and ``--against``."""

from __future__ import annotations

import json

import pytest

from facemod.cli.commands import bench

FIGURES = {
    "device": "cpu",
    "threads": 1,
    "size": 1024,
    "stages": {
        "encode": {"seconds": 0.1, "share": 0.25},
        "decode": {"seconds": 0.3, "share": 0.75},
    },
    "images_per_second": 2.5,
    "peak_memory_mb": 500.0,
    "decoder_gmacs": 7.0,
    "roofline": {"matmul_gmacs": 80.0, "copy_gbytes": 9.0},
    "compared": [],
}  # fmt: skip


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch):
    """What is measured: FIGURES, or what the test changes them to."""
    figures = json.loads(json.dumps(FIGURES))
    monkeypatch.setattr(bench, "measured", lambda *args, **kwargs: figures)
    return figures


def test_figures_are_kept_and_compared(run, measured, tmp_path):
    assert run("bench", "--save", "then.json").code == 0
    kept = json.loads((tmp_path / "then.json").read_text())
    assert kept["seconds"] == {"encode": 0.1, "decode": 0.3}
    assert kept["conditions"]["processor"]
    measured["stages"]["decode"]["seconds"] = 0.15
    ended = run("bench", "--against", "then.json", "--json")
    assert ended.code == 0
    against = ended.json["data"]["against"]
    assert against["ratios"] == pytest.approx({"encode": 1.0, "decode": 0.5, "all": 0.625})
    assert against["differences"] == []


def test_the_table_shows_ratios_and_slower_is_no_failure(run, measured):
    run("bench", "--save", "then.json")
    measured["stages"]["decode"]["seconds"] = 3.0
    measured["stages"]["dream"] = {"seconds": 1.0, "share": 0.2}
    ended = run("bench", "--against", "then.json")
    assert ended.code == 0
    assert "10.00 x" in ended.out and "new" in ended.out
    assert "other conditions" not in ended.err


def test_another_machine_is_said_so(run, measured, tmp_path):
    run("bench", "--save", "then.json")
    kept = json.loads((tmp_path / "then.json").read_text())
    kept["conditions"]["processor"] = "abacus"
    (tmp_path / "then.json").write_text(json.dumps(kept))
    ended = run("bench", "--against", "then.json", "--quiet")
    assert ended.code == 0
    assert "processor was abacus, is " in ended.err
    assert "1.00 x" in ended.out


def test_kept_figures_are_not_lost(run, measured, tmp_path):
    (tmp_path / "then.json").write_text("mine")
    ended = run("bench", "--save", "then.json", "--json")
    assert ended.code == 6
    assert "--overwrite" in ended.json["error"]["message"]
    assert (tmp_path / "then.json").read_text() == "mine"
    assert run("bench", "--save", "then.json", "--overwrite").code == 0


def test_what_holds_no_figures_is_refused_before_anything_is_measured(run, monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "measured", lambda *args, **kwargs: pytest.fail("measured"))
    (tmp_path / "photo.json").write_text("[]")
    for name in ("gone.json", "photo.json"):
        ended = run("bench", "--against", name, "--json")
        assert ended.code == 3
        assert name in ended.json["error"]["message"]
