"""Figures that are kept, and later ones beside them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from facemod.bench.records import (
    Conditions,
    Record,
    conditions,
    differences,
    load,
    processor_name,
    ratios,
    save,
)
from facemod.errors import InputError, OutputExistsError

HERE = conditions("cpu", 512, 3, processor_time=True)
RECORD = Record(HERE, {"encode": 0.1, "decode": 0.3}, 700.0, "0.0.9")


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "figures" / "then.json"
    save(RECORD, path)
    assert load(path) == RECORD
    with pytest.raises(OutputExistsError):
        save(RECORD, path)
    save(replace(RECORD, facemod="0.1.0"), path, overwrite=True)
    assert load(path).facemod == "0.1.0"


def test_conditions_name_the_machine() -> None:
    assert processor_name()
    assert (HERE.device, HERE.size, HERE.clock) == ("cpu", 512, "processor")
    assert HERE.threads >= 1 and HERE.cores >= 1
    assert differences(HERE, HERE) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("processor", "abacus"), ("threads", 77), ("size", 256), ("clock", "wall"), ("device", "K9")],
)
def test_other_conditions_are_named(name: str, value: object) -> None:
    then: Conditions = replace(HERE, **{name: value})
    (said,) = differences(then, HERE)
    assert said == f"{name} was {value}, is {getattr(HERE, name)}"


def test_how_often_it_was_measured_does_not_matter() -> None:
    assert differences(replace(HERE, repeats=9), HERE) == []


def test_ratios_are_of_now_to_then() -> None:
    now = replace(RECORD, seconds={"encode": 0.05, "decode": 0.3, "fly": 1.0})
    found = ratios(RECORD, now)
    assert found["encode"] == pytest.approx(0.5)
    assert found["decode"] == pytest.approx(1.0)
    assert found["fly"] is None
    assert found["all"] == pytest.approx(1.35 / 0.4)


BROKEN = {
    "no JSON": "{",
    "not an object": "[1]",
    "of another kind": '{"kind": "song", "format": 1}',
    "of another format": json.dumps({"kind": "facemod bench", "format": 99}),
    "without figures": json.dumps({"kind": "facemod bench", "format": 1, "seconds": {}}),
    "without conditions": json.dumps(
        {"kind": "facemod bench", "format": 1, "seconds": {"encode": 1}, "conditions": {}}
    ),
    "of no time": json.dumps(
        {"kind": "facemod bench", "format": 1, "seconds": {"encode": 0}, "conditions": {}}
    ),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_files_without_figures_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "then.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"facemod bench --save writes them"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json: cannot be read"):
        load(tmp_path / "gone.json")
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'{"kind": "\xe9"}')
    with pytest.raises(InputError, match="holds no figures"):
        load(latin)
