"""Figures of a benchmark that are kept, and later ones beside them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from facemod import __version__
from facemod.errors import InputError
from facemod.files.atomic import write_bytes
from facemod.tensors.devices import cores

KIND, FORMAT = "facemod bench", 1
WHOLE = "all"


@dataclass(frozen=True)
class Conditions:
    """What figures depend on besides facemod itself."""

    processor: str
    cores: int
    instructions: str
    """The widest vector instructions that torch uses."""
    system: str
    device: str
    """"cpu", or the GPU's name."""
    threads: int
    torch: str
    python: str
    size: int
    """Side of the face in px."""
    clock: str
    """"processor" or "wall"."""
    repeats: int


@dataclass(frozen=True)
class Record:
    """One run of the benchmark."""

    conditions: Conditions
    seconds: dict[str, float]
    """Median seconds of each stage."""
    peak_memory_mb: float
    facemod: str = field(default=__version__)

    @property
    def whole(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


def conditions(device: str, size: int, repeats: int, *, processor_time: bool) -> Conditions:
    """Those of this process."""
    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return Conditions(
        processor=processor_name(),
        cores=cores(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        system=f"{platform.system()} {platform.machine()}",
        device=gpu,
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        python=platform.python_version(),
        size=size,
        clock="processor" if processor_time else "wall",
        repeats=repeats,
    )


def processor_name() -> str:
    """What the processor calls itself, as far as the system tells; never empty."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or os.environ.get("PROCESSOR_IDENTIFIER", "") or platform.machine()


def save(record: Record, path: Path, *, overwrite: bool = False) -> None:
    """Keep a record as JSON. Raises OutputError, or OutputExistsError where a file is."""
    data = {"kind": KIND, "format": FORMAT, **asdict(record)}
    write_bytes((json.dumps(data, indent=2) + "\n").encode(), path, overwrite=overwrite)


def load(path: Path) -> Record:
    """Read a record.

    Raises:
        InputError: the file is not there, or holds no record that this version can read.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return _record(data)
    except OSError as problem:
        raise InputError(f"{path}: cannot be read ({problem.strerror or problem})") from problem
    except (ValueError, TypeError, KeyError) as problem:
        raise InputError(
            f"{path}: holds no figures that this version can read; facemod bench --save writes them"
        ) from problem


def _record(data: Any) -> Record:
    """The record in parsed JSON; raises TypeError, KeyError or ValueError when there is none."""
    if (data["kind"], data["format"]) != (KIND, FORMAT):
        raise ValueError
    seconds = {str(stage): float(value) for stage, value in data["seconds"].items()}
    if not seconds or min(seconds.values()) <= 0:
        raise ValueError
    return Record(
        Conditions(**data["conditions"]), seconds, float(data["peak_memory_mb"]), data["facemod"]
    )


def differences(then: Conditions, now: Conditions) -> list[str]:
    """What the two runs do not have in common, in words; [] when figures can be compared."""
    before, after = asdict(then), asdict(now)
    return [
        f"{name} was {before[name]}, is {after[name]}"
        for name in before
        if name not in ("repeats", "python") and before[name] != after[name]
    ]


def ratios(then: Record, now: Record) -> dict[str, float | None]:
    """Seconds now, in those of then, of each stage and of all; None for a stage that is new."""
    each = {stage: _ratio(then.seconds, stage, taken) for stage, taken in now.seconds.items()}
    return {**each, WHOLE: now.whole / then.whole}


def _ratio(before: Mapping[str, float], stage: str, seconds: float) -> float | None:
    return seconds / before[stage] if stage in before else None
