"""Mixing: reading what the user wrote, and taking the right slots from the right photo."""

from __future__ import annotations

import pytest
import torch

from facemod.errors import UsageError
from facemod.latent.codes import Codes, Scale
from facemod.latent.edits import mix_parts, parse_slots, position

RESOLUTIONS = (4, 8, 16, 64, 128, 1024)
FILES = ["one/a.jpg", "two/b.tar.png", "2", "two/a.jpg"]


def codes(value: float) -> Codes:
    return Codes(torch.full((1, len(RESOLUTIONS), 1), float(value)), "wavelet", RESOLUTIONS)


@pytest.mark.parametrize(
    ("text", "slots", "source"),
    [
        ("3-8=b", range(3, 9), "b"),
        ("5=b.jpg", range(5, 6), "b.jpg"),
        ("0-0=x=y", range(0, 1), "x=y"),
    ],
)
def test_slots_as_written(text, slots, source):
    assert parse_slots(text) == (slots, source)


@pytest.mark.parametrize(
    "text", ["", "b", "3-8", "3-8=", "=b", "8-3=b", "3-=b", "-3=b", "a-b=c", "1-2-3=b", "²=b"]
)
def test_slots_as_nobody_should_write(text):
    with pytest.raises(UsageError, match="expected FIRST-LAST=PHOTO"):
        parse_slots(text)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("b.tar", 1),
        ("b.tar.png", 1),
        ("two/b.tar.png", 1),
        ("two/a.jpg", 3),
        ("2", 2),  # a name before a number
        ("1", 0),
        ("4", 3),
    ],
)
def test_what_a_photo_may_be_called(name, index):
    assert position(name, FILES, "--coarse-from") == index


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("c", "no photo goes by this name"),
        ("0", "no photo goes by this name"),
        ("5", "no photo goes by this name"),
        ("²", "no photo goes by this name"),
        ("a", "several photos go by this name"),
        ("a.jpg", "several photos go by this name"),
    ],
)
def test_what_it_may_not_be_called(name, why):
    with pytest.raises(UsageError, match=f"--mid-from {name}: {why}; use a number: 1 = a.jpg"):
        position(name, FILES, "--mid-from")


def test_scales_then_slots_and_later_parts_win():
    photos = [codes(0), codes(1), codes(2)]
    scales = {Scale.COARSE: photos[1], Scale.FINE: photos[2]}
    mix = mix_parts(scales, [("1-2=c", photos[2]), ("2=b", photos[1])])
    assert mix(photos[0]).styles.flatten().tolist() == [1, 2, 1, 0, 2, 2]


def test_slots_that_the_model_does_not_have():
    with pytest.raises(UsageError, match="--slots 3-6=a: this model has slots 0 to 5"):
        mix_parts({}, [("3-6=a", codes(0))])
