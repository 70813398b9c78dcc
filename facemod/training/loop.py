"""The loop that every training shares: devices, schedule, checkpoints, statistics.

A run folder is self-describing: ``options.json``, ``stats.jsonl``, ``state.pt`` (to resume),
``sheet.png`` (to look at) and the release weights. A run that was killed goes on from its last
checkpoint and ends with the same weights, bit for bit on a CPU, as one that was not: what is
random in a step depends on nothing but the seed, the device's rank and the step's number.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facemod.errors import MissingExtraError, ModelError, UsageError
from facemod.files.atomic import atomic_path
from facemod.imaging.writing import write_image
from facemod.tensors.devices import find_device
from facemod.tensors.precision import working_precision
from facemod.training.settings import LoopOptions

try:
    from lightning_fabric import Fabric
except ImportError as error:
    raise MissingExtraError(
        f"training needs Lightning Fabric ({error}): pip install 'facemod[train]'"
    ) from error

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)

STATE, STATS, SHEET = "state.pt", "stats.jsonl", "sheet.png"
STATS_EVERY = 10  # steps
SAY_EVERY = 30.0  # seconds
LOWEST_RATE = 0.02


@dataclass(frozen=True)
class Moment:
    """What a task may know of the loop at one step."""

    step: int
    """Steps done before this one."""
    progress: float
    """How far the schedule is, 0..1, by steps or by time."""
    rng: np.random.Generator
    """Fresh at each step, and different on each device. torch is seeded from it as well."""

    def rate(self, warmup: int) -> float:
        """Factor on the learning rate, 0..1: linear warm-up, then half a cosine down to 2 %."""
        rise = min(1.0, (self.step + 1) / max(1, warmup))
        half_cosine = (1 + math.cos(math.pi * self.progress)) / 2
        return rise * (LOWEST_RATE + (1 - LOWEST_RATE) * half_cosine)


class Task(Protocol):
    """What is trained: its networks, its losses, and what has to travel in a checkpoint."""

    def step(self, moment: Moment) -> Mapping[str, Tensor]:
        """One optimiser step; returns its losses, detached."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that later steps depend on, as ``torch.save`` takes it."""
        ...

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state` returned."""
        ...

    def export(self, folder: Path) -> None:
        """Write the release weights into the run folder."""
        ...

    def sheet(self) -> NDArray[np.uint8]:
        """A picture [H, W, 3] of how good it is by now. Draws nothing from the global seeds."""
        ...


def make_fabric(options: LoopOptions) -> Fabric:
    """The devices that the options ask for.

    Raises:
        UsageError: they are not there, or cannot compute in this precision.
    """
    kind, _, number = options.device.partition(":")
    devices = [int(number)] if number.isdecimal() else options.devices
    try:
        fabric = Fabric(
            accelerator=kind, devices=devices, num_nodes=options.machines,
            precision=precision_of(options),
        )  # fmt: skip
    except (RuntimeError, ValueError, TypeError) as error:
        asked = f"--device {options.device} --devices {options.devices}"
        raise UsageError(f"{asked} --precision {options.precision}: {error}") from error
    fabric.launch()
    return fabric


def precision_of(options: LoopOptions) -> str:
    """The precision that the options ask for, in Fabric's words."""
    if options.precision != "auto":
        return options.precision
    device = find_device(options.device)[0]
    half = working_precision(device) is torch.bfloat16
    return "bf16-mixed" if half else "32-true"


def train(
    build: Callable[[Fabric], Task],
    folder: Path,
    options: LoopOptions,
    tell: Callable[[str], None],
    moved: Callable[[float], None] = lambda progress: None,
) -> dict[str, Any]:
    """Train what ``build`` makes until its steps or minutes are over, or ``stop_after``.

    Resumes from the run folder's state if there is one. ``tell`` gets a line now and then, and
    ``moved`` after every step how far the run is, 0..1.
    Returns facts: steps, minutes, whether the run is finished, the last losses; of several
    processes only the first returns.

    Raises:
        UsageError: neither steps nor minutes are given, or the devices are not there.
        ModelError: the losses are no longer finite, or the state does not fit.
    """
    if options.steps is None and options.minutes is None:
        raise UsageError("how long to train? --steps N, --minutes N, or both")
    fabric = make_fabric(options)
    torch.manual_seed(options.seed)
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    loop = Loop(build(fabric), fabric, folder, options, tell, moved)
    loop.resume()
    facts = loop.run()
    if not fabric.is_global_zero:
        raise SystemExit(0)  # one process reports
    return facts


class Loop:
    """One run: a task, its folder, its clock."""

    def __init__(
        self, task: Task, fabric: Fabric, folder: Path, options: LoopOptions,
        tell: Callable[[str], None], moved: Callable[[float], None],
    ) -> None:  # fmt: skip
        self.task, self.fabric, self.folder, self.options = task, fabric, folder, options
        self.moved = moved
        self.tell = tell if fabric.is_global_zero else lambda line: None
        self.step = 0
        self.losses: dict[str, float] = {}
        self._saved: int | None = None  # the step of the last checkpoint
        self._seconds_before = 0.0
        self._began = self._told = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Training time so far, over all calls."""
        return self._seconds_before + time.perf_counter() - self._began

    def progress(self) -> float:
        """How much of the steps or of the time is used up, whichever is more; 1 is the end."""
        o = self.options
        parts = (self.step / o.steps if o.steps else 0.0,
                 self.seconds / 60 / o.minutes if o.minutes else 0.0)  # fmt: skip
        return self._agreed(min(1.0, max(parts)))

    def _agreed(self, value: float) -> float:
        """The first device's value: clocks differ, and all have to leave at the same step."""
        if self.fabric.world_size == 1:
            return value
        return float(self.fabric.broadcast(value))

    def run(self) -> dict[str, Any]:
        """Step by step to the end."""
        self.folder.mkdir(parents=True, exist_ok=True)
        losses: Mapping[str, Tensor] = {}
        while (progress := self.progress()) < 1 and not self._time_is_up():
            losses = self.task.step(self._moment(progress))
            self.step += 1
            self.moved(progress)
            if self.step % STATS_EVERY == 0 or self.step == 1:
                self._note(losses)
            if self.step % self.options.checkpoint_every == 0:
                self.checkpoint()
        if self._saved != self.step:
            self.checkpoint()
        self.losses = {name: float(loss) for name, loss in losses.items()}
        finished = progress >= 1
        facts = {"steps": self.step, "minutes": round(self.seconds / 60, 2), "finished": finished}
        return {**facts, "losses": self.losses}

    def _time_is_up(self) -> bool:
        limit = self.options.stop_after
        used = (time.perf_counter() - self._began) / 60
        return limit is not None and self._agreed(used) >= limit

    def _moment(self, progress: float) -> Moment:
        o = self.options
        rng = np.random.default_rng([o.seed, self.fabric.global_rank, self.step])
        torch.manual_seed(int(rng.integers(2**62)))
        return Moment(self.step, progress, rng)

    def _note(self, losses: Mapping[str, Tensor]) -> None:
        """Append a line to the statistics; say it, too, when it is time to."""
        self.losses = {name: float(loss) for name, loss in losses.items()}
        if not all(map(math.isfinite, self.losses.values())):
            raise ModelError(
                f"{self.folder}: step {self.step} gave {self.losses}; try a lower "
                f"--learning-rate (the last checkpoint is untouched)"
            )
        if not self.fabric.is_global_zero:
            return
        facts = {"step": self.step, "seconds": round(self.seconds, 1), **self.losses}
        with (self.folder / STATS).open("a") as stats:
            stats.write(json.dumps(facts) + "\n")
        if time.perf_counter() - self._told > SAY_EVERY:
            self._told = time.perf_counter()
            words = ", ".join(f"{name} {loss:.3f}" for name, loss in self.losses.items())
            self.tell(f"step {self.step}, {self.seconds / 60:.1f} min: {words}")

    def checkpoint(self) -> None:
        """Save the state, the release weights and the sheet; each appears complete or not."""
        state = {**self.task.state(), "step": self.step, "seconds": self.seconds}
        if self.fabric.is_global_zero:
            with atomic_path(self.folder / STATE, overwrite=True) as path:
                torch.save(state, path)
            self.task.export(self.folder)
            write_image(self.task.sheet(), self.folder / SHEET, overwrite=True)
        self.fabric.barrier()
        self._saved = self.step

    def resume(self) -> None:
        """Take up the state of the run folder, if there is one."""
        state = read_state(self.folder / STATE)
        if state is None:
            self._cut_statistics()
            return
        try:
            self.step, self._seconds_before = state["step"], state["seconds"]
            self.task.resume(state)
        except (KeyError, RuntimeError, ValueError) as error:
            problem = f"{self.folder / STATE}: does not fit this run ({error})"
            raise ModelError(f"{problem}; another RUN folder starts a new one") from error
        self._saved = self.step
        self._cut_statistics()
        self.tell(f"going on from step {self.step}")

    def _cut_statistics(self) -> None:
        """Drop lines about steps that will be done again."""
        path = self.folder / STATS
        if self.fabric.is_global_zero and path.exists():
            kept = [line for line in path.read_text().splitlines(keepends=True)
                    if json.loads(line)["step"] <= self.step]  # fmt: skip
            path.write_text("".join(kept))


def read_state(path: Path) -> dict[str, Any] | None:
    """A saved state on the CPU, or None when there is no such file.

    Raises:
        ModelError: the file is damaged.
    """
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load raises whatever its unpickler meets
        raise ModelError(f"{path}: not a readable training state ({error})") from error
