"""Draws how the losses of training runs fell, from the ``stats.jsonl`` that every run keeps.

    python tools/curves.py curves.png matching,latent pioneer=runs/pioneer automodulator=runs/mine

draws one panel for each loss and one line for each run, over steps.
Runs of one name follow each other, as a run and the one that began with its weights do. Needs
matplotlib.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from facemod.training.loop import STATS

POINTS = 40
"""Of one line, at most."""

Curve = NDArray[np.float64]
"""[N, 2]: steps, and the mean loss around them."""


def read(run: Path, loss: str) -> Curve:
    """A loss over one run, wherever the run noted it."""
    lines = [json.loads(line) for line in (run / STATS).read_text().splitlines()]
    return np.array([(line["step"], line[loss]) for line in lines if loss in line], float)


def joined(runs: list[Path], loss: str) -> Curve:
    """A loss over several runs, each of which went on where the one before it ended."""
    curves, steps = [], 0.0
    for run in runs:
        curve = read(run, loss)
        curve[:, 0] += steps
        curves.append(curve)
        steps = curve[-1, 0]
    return np.concatenate(curves)


def smooth(curve: Curve) -> Curve:
    """Means of neighbours, so many steps together: single batches are noise."""
    count = min(POINTS, max(1, len(curve) // 2))
    borders = np.linspace(curve[0, 0], curve[-1, 0], count + 1)[1:-1]
    parts = (curve[np.digitize(curve[:, 0], borders) == i] for i in range(count))
    return np.array([part.mean(0) for part in parts if len(part)])


def draw(target: Path, losses: list[str], runs: dict[str, list[Path]]) -> None:
    """Write the picture."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(losses), figsize=(4 * len(losses), 3), squeeze=False)
    for panel, loss in zip(panels[0], losses, strict=True):
        for name, parts in runs.items():
            panel.plot(*smooth(joined(parts, loss)).T, label=name)
        panel.set(title=loss, xlabel="step")
        panel.grid(alpha=0.3)
    panels[0, 0].legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(target, dpi=100)


def main() -> None:
    """Read the command line."""
    target, losses, *named = sys.argv[1:]
    runs: dict[str, list[Path]] = defaultdict(list)
    for pair in named:
        name, _, folder = pair.partition("=")
        runs[name].append(Path(folder))
    draw(Path(target), losses.split(","), runs)


if __name__ == "__main__":
    main()
