"""Scores of groups of people, so that nobody hides in a mean."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facemod.errors import InputError
from facemod.training.evaluation.metrics import FaceMetric

SEXES = {"0": "male", "1": "female"}
RACES = {"0": "White", "1": "Black", "2": "Asian", "3": "Indian", "4": "other"}
AGES = ((13, "0-12"), (20, "13-19"), (35, "20-34"), (50, "35-49"), (65, "50-64"), (200, "65+"))
FEWEST = 10  # faces that a group needs before it is called the best or the worst

Scores = Mapping[str, float]
GroupsOf = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True)
class Group:
    """Mean scores of the people who share one trait."""

    kind: str
    value: str
    faces: int
    means: Scores

    @property
    def name(self) -> str:
        return f"{self.kind}: {self.value}"


def utk_groups(name: str) -> dict[str, str]:
    """Sex, race and age as UTKFace writes them into file names; what is not there is left out.

    ``31_1_2_20170109.jpg`` is a woman of 31 whom its annotators called Asian.
    """
    age, sex, race, *_ = [*Path(name).name.split("_"), "", "", ""]
    found = {"sex": SEXES.get(sex), "race": RACES.get(race)}
    if age.isdigit():
        found["age"] = next((word for limit, word in AGES if int(age) < limit), None)
    return {kind: value for kind, value in found.items() if value}


def table_groups(path: Path) -> GroupsOf:
    """Groups from a CSV file: the first column names files, each other column is a kind of group.

    Raises:
        InputError: the file cannot be read, or has fewer than two columns.
    """
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"--groups {path}: cannot be read ({error})") from error
    if not rows or len(rows[0]) < 2:
        raise InputError(f"--groups {path}: expected a heading, file names, and a group column")
    first, *kinds = rows[0]
    known = {row[first]: {kind: row[kind] for kind in kinds if row[kind]} for row in rows}
    return lambda name: known.get(Path(name).name, {})


def by_group(
    scores: Sequence[tuple[str, Scores]], groups_of: GroupsOf, metrics: Sequence[FaceMetric]
) -> list[Group]:
    """Mean scores of each group, by kind and value. ``scores`` pairs photos' names and scores."""
    members: dict[tuple[str, str], list[Scores]] = {}
    for name, found in scores:
        for key in groups_of(name).items():
            members.setdefault(key, []).append(found)
    return [
        Group(kind, value, len(rows), {m.name: mean([r[m.name] for r in rows]) for m in metrics})
        for (kind, value), rows in sorted(members.items())
    ]


def mean(values: Sequence[float]) -> float:
    """The mean of what could be measured; NaN if nothing could."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def worst_of(groups: Sequence[Group], metric: FaceMetric) -> str | None:
    """One line that names the worst group, and how far it is from the best of its kind.

    Groups of fewer than ten faces are left out. None when no kind has two groups.
    """
    gaps = []
    for kind in {group.kind for group in groups}:
        ranked = [
            g for g in groups
            if g.kind == kind and g.faces >= FEWEST and not math.isnan(g.means[metric.name])
        ]  # fmt: skip
        if len(ranked) < 2:
            continue
        ranked.sort(key=lambda g: g.means[metric.name], reverse=metric.best == "high")
        best, worst = ranked[0], ranked[-1]
        high, low = best.means[metric.name], worst.means[metric.name]
        gaps.append((abs(high - low) / max(abs(high), 1e-9), worst, best))
    if not gaps:
        return None
    gap, worst, best = max(gaps, key=lambda found: found[0])
    value, against = (f"{g.means[metric.name]:.{metric.digits}f}" for g in (worst, best))
    return (
        f"worst group by {metric.name}: {worst.name} with {value}, {100 * gap:.0f} % from the "
        f"best, {best.name} with {against}"
    )
