"""``--size``: the side of the face that the model works on, and ``facemod bench``."""

from __future__ import annotations

import math

import pytest

from facemod.cli.commands.bench import stage_table
from facemod.editing.results import ResultKind
from facemod.editing.words import parse_size
from facemod.errors import UsageError


def test_auto_goes_by_the_face_where_the_photo_is_the_result():
    assert parse_size("auto", ResultKind.PHOTO) is None
    assert parse_size("auto", ResultKind.CROP) == math.inf
    assert parse_size("256", ResultKind.CROP) == 256


@pytest.mark.parametrize("text", ["0", "-5", "large", "", "3", "999", "100000", "256.0"])
def test_other_sizes_are_refused(text):
    with pytest.raises(UsageError, match="unknown; use 256, 512, 1024 or auto"):
        parse_size(text, ResultKind.PHOTO)


@pytest.mark.parametrize("command", [["edit", "--smile", "1"], ["mix", "--coarse-from", "b"]])
def test_commands_take_a_size_and_say_when_they_cannot(run, photo, command):
    verb, *options = command
    photos = [photo("a.png"), photo("b.png")]
    assert run(verb, *photos, *options, "--size", "512", "-o", "out").code == 0
    assert run(verb, *photos, *options, "--size", "huge", "-o", "out2").code == 2


def test_the_table_holds_every_figure():
    data = {
        "device": "cpu",
        "threads": 1,
        "size": 512,
        "stages": {
            "decode": {"seconds": 0.2, "share": 0.8},
            "write": {"seconds": 0.05, "share": 0.2},
        },
        "images_per_second": 4.0,
        "peak_memory_mb": 500.0,
        "decoder_gmacs": 7.0,
        "roofline": {"matmul_gmacs": 80.0, "copy_gbytes": 9.0},
        "compared": [{"task": "decode", "seconds": {"facemod": 0.1, "OpenVINO": 0.2}}],
    }  # fmt: skip
    shown = stage_table(data)
    assert len({len(row) for row in shown.rows} | {len(shown.columns)}) == 1
    text = "\n".join(" ".join(row) for row in shown.rows)
    for figure in ("200.0 80%", "250.0 100% 4.00 img/s", "7.0 GMAC, 70 GMAC/s", "2.00 x facemod"):
        assert figure in text


def test_bench_refuses_sizes_that_no_head_draws(run):
    ended = run("bench", "--size", "300", "--json")
    assert ended.code == 2
    assert "256, 512, 1024" in ended.json["error"]["message"]
