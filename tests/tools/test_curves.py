"""The picture of training curves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from tooling import tool

curves = tool("curves")


def run(folder: Path, losses: list[float]) -> Path:
    folder.mkdir()
    lines = [{"step": 10 * (i + 1), "seconds": 1.0, "loss": loss} for i, loss in enumerate(losses)]
    (folder / "stats.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    return folder


def test_runs_follow_each_other_and_are_averaged(tmp_path: Path) -> None:
    parts = [run(tmp_path / "a", [4.0, 2.0]), run(tmp_path / "b", [1.0, 1.0])]
    curve = curves.joined(parts, "loss")
    assert curve.tolist() == [[10, 4], [20, 2], [30, 1], [40, 1]]
    assert curves.smooth(curve).tolist() == [[15, 3], [35, 1]]


def test_one_panel_for_each_loss_and_one_line_for_each_run(tmp_path: Path) -> None:
    one, other = run(tmp_path / "one", [1.0, 0.0] * 4), run(tmp_path / "other", [0.0, 1.0] * 4)
    wide = {}
    for losses in (["loss"], ["loss", "loss"]):
        target = tmp_path / f"{len(losses)}.png"
        curves.draw(target, losses, {"one": [one], "other": [other]})
        wide[len(losses)] = np.asarray(Image.open(target).convert("RGB"))
    assert wide[2].shape[1] == 2 * wide[1].shape[1]
    colours = {tuple(colour) for colour in wide[1].reshape(-1, 3).tolist()}
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # matplotlib's first two
