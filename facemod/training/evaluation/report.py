"""An evaluation as tables for people, as Markdown for a model card, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from facemod.training.evaluation.evaluate import Evaluation
from facemod.training.evaluation.groups import Group, mean, worst_of
from facemod.training.evaluation.metrics import FaceMetric

Numbers = Mapping[str, float]


@dataclass(frozen=True)
class Listing:
    """A table of words."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]

    def markdown(self) -> str:
        """The table as Markdown, numbers to the right."""
        aligned = ["---", *("---:" for _ in self.columns[1:])]
        lines = (self.columns, aligned, *self.rows)
        return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def measures(found: Evaluation, metrics: Sequence[FaceMetric]) -> Listing:
    """Mean, lowest and highest value of each measure."""
    rows = []
    for metric in metrics:
        values = [scores[metric.name] for _, scores in found.scores]
        known = [value for value in values if not math.isnan(value)]
        numbers = (mean(known), min(known, default=math.nan), max(known, default=math.nan))
        rows.append((metric.name, *(written(n, metric.digits) for n in numbers), metric.unit))
    return Listing(("measure", "mean", "from", "to", "unit"), rows)


def by_groups(groups: Sequence[Group], metrics: Sequence[FaceMetric]) -> Listing:
    """One row per group, one column per measure that can be good or bad, times left out."""
    shown = [metric for metric in metrics if metric.best and metric.unit != "s"]
    rows = [
        (group.name, str(group.faces), *(written(group.means[m.name], m.digits) for m in shown))
        for group in groups
    ]
    return Listing(("group", "faces", *(metric.name for metric in shown)), rows)


def of_model(name: str, rows: Mapping[str, Numbers]) -> Listing:
    """The rows of one measure of the whole model."""
    columns = list(next(iter(rows.values()), {}))
    return Listing(
        (name, *columns),
        [(row, *(written(numbers[c], 2) for c in columns)) for row, numbers in rows.items()],
    )


def worst(groups: Sequence[Group], metrics: Sequence[FaceMetric]) -> list[str]:
    """The worst group by each measure that can be good or bad."""
    shown = [metric for metric in metrics if metric.best and metric.unit != "s"]
    return [line for metric in shown if (line := worst_of(groups, metric))]


def written(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def as_json(
    found: Evaluation,
    metrics: Sequence[FaceMetric],
    groups: Sequence[Group],
    whole: Mapping[str, Mapping[str, Numbers]],
) -> dict[str, Any]:
    """Everything, with null for what could not be measured."""
    return {
        "faces": len(found.scores),
        "means": _numbers({m.name: mean([s[m.name] for _, s in found.scores]) for m in metrics}),
        "photos": [{"name": name, **_numbers(scores)} for name, scores in found.scores],
        "groups": [
            {"kind": g.kind, "value": g.value, "faces": g.faces, **_numbers(g.means)}
            for g in groups
        ],
        "model": {
            name: {row: _numbers(numbers) for row, numbers in rows.items()}
            for name, rows in whole.items()
        },
        "problems": found.problems,
    }


def _numbers(values: Numbers) -> dict[str, float | None]:
    return {k: None if math.isnan(v) else round(v, 5) for k, v in values.items()}
