"""Clocks, and what this machine could do at best."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import torch

Now = Callable[[], float]
"""Seconds since some moment, of the clock on the wall or of the processor's work."""
MATMUL_SIDE = 2048
COPY_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Roofline:
    """The rates that no network of this machine's exceeds."""

    matmul_gmacs: float
    """10^9 multiply-adds per second in a large float32 matrix product."""
    copy_gbytes: float
    """10^9 bytes read and as many written per second in a large copy."""


class Clock:
    """Adds up the seconds of stages. What an inner stage takes does not count for the outer."""

    def __init__(self, device: torch.device, now: Now) -> None:
        self.device, self.now = device, now
        self.seconds: dict[str, float] = {}
        self._inner = [0.0]

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time what happens inside."""
        synchronise(self.device)
        began = self.now()
        self._inner.append(0.0)
        yield
        synchronise(self.device)
        passed = self.now() - began
        own = passed - self._inner.pop()
        self._inner[-1] += passed
        self.seconds[stage] = self.seconds.get(stage, 0.0) + own


def interleaved(
    work: Mapping[str, Callable[[], object]], repeats: int, now: Now
) -> dict[str, float]:
    """The median seconds of each piece of work, after one round that does not count.

    They take turns, so that a machine whose speed drifts treats all alike.
    """
    passed: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats + 1):
        for name, do in work.items():
            began = now()
            do()
            passed[name].append(now() - began)
    return {name: median(seconds[1:]) for name, seconds in passed.items()}


def roofline(device: torch.device, now: Now, repeats: int = 5) -> Roofline:
    """Measure the best rates of ``device`` with torch's current number of threads."""
    a = torch.randn(MATMUL_SIDE, MATMUL_SIDE, device=device)
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source)

    def best(work: Callable[[], object]) -> float:
        def finished() -> None:
            work()
            synchronise(device)

        return min(interleaved({"": finished}, 1, now)[""] for _ in range(repeats))

    return Roofline(
        MATMUL_SIDE**3 / best(lambda: a @ a) / 1e9,
        COPY_BYTES / best(lambda: target.copy_(source)) / 1e9,
    )


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was told."""
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).synchronize()


def peak_memory() -> float:
    """The most memory that this process has held so far, in MB; 0 where nobody counts it."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
