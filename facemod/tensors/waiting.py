"""How the threads of one computation wait for each other. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

SPINS = 10_000
"""Turns of an idle loop, about a tenth of a millisecond, as long as most pauses are."""


def wait_idly(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let threads that wait go to sleep soon. Works only before torch is imported.

    By default GNU OpenMP lets them burn their processors for some ten milliseconds. Where another
    program wants one of these, every step of a computation waits that long for it: pictures were
    seen to take ten times as long. What users ask for themselves stays.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & set(environment):
        environment["GOMP_SPINCOUNT"] = str(SPINS)
