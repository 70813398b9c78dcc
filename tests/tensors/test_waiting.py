"""Waiting threads."""

from __future__ import annotations

import pytest

from facemod.tensors.waiting import SPINS, wait_idly


def test_threads_sleep_soon():
    environment = {"HOME": "/home/me"}
    wait_idly(environment)
    assert environment == {"HOME": "/home/me", "GOMP_SPINCOUNT": str(SPINS)}


@pytest.mark.parametrize("own", [{"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "infinity"}])
def test_what_users_ask_for_stays(own):
    environment = dict(own)
    wait_idly(environment)
    assert environment == own
