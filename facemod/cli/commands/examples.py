"""Examples to learn from: photos with a number each."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facemod.cli.options import Reading
from facemod.errors import InputError
from facemod.jobs.inputs import find_inputs


@dataclass(frozen=True)
class Example:
    """A photo and how much it has of what is to be learnt."""

    photo: Path
    label: float


def find_examples(
    photos: Sequence[Path], label: float, reading: Reading
) -> tuple[list[Example], tuple[str, ...]]:
    """Photos, and those in folders, with one label; and what there is to say about them."""
    found = find_inputs(photos, recursive=reading.recursive, take_results=reading.take_results)
    return [Example(photo, label) for photo in found.paths], found.words


def read_labels(table: Path) -> list[Example]:
    """The lines ``photo,score`` of a CSV file, photos beside the table; one header is skipped.

    Raises:
        InputError: the table cannot be read, or a line holds something else.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: not a readable table ({error})") from error
    if rows and _score(rows[0]) is None:
        rows = rows[1:]
    examples = []
    for row in rows:
        score = _score(row)
        if score is None:
            raise InputError(f"{table}: expected photo,score and found {','.join(row)!r}")
        examples.append(Example(table.parent / row[0].strip(), score))
    if not examples:
        raise InputError(f"{table}: holds no lines of photo,score")
    return examples


def _score(row: Sequence[str]) -> float | None:
    """The second and last cell as a finite number."""
    try:
        score = float(row[1]) if len(row) == 2 else math.nan
    except ValueError:
        return None
    return score if math.isfinite(score) else None
