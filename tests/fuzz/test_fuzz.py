"""A short fuzz of everything that reads foreign bytes; ``by_hand.py`` goes on for longer."""

from __future__ import annotations

import pytest
from fuzz.targets import TARGETS, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

CHANGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=6), st.integers(0, 8)),
    max_size=5,
)


def damaged(data: bytes, changes: list[tuple[float, bytes, int]], keep: float) -> bytes:
    """``data`` with some bytes replaced by others, more or fewer, and the end cut off."""
    for place, new, length in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    return data[: round(keep * len(data))]


@pytest.mark.parametrize("name", TARGETS)
def test_good_input_and_none_at_all(name):
    for data in (*seeds(name), b""):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damaged_input_never_crashes(name, data):
    seed = data.draw(st.sampled_from(seeds(name)))
    keep = data.draw(st.sampled_from([1.0, 1.0, 1.0, 0.9, 0.5, 0.1]))
    TARGETS[name](damaged(seed, data.draw(CHANGES), keep))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=200))
def test_rubbish_never_crashes(name, data):
    TARGETS[name](data)
