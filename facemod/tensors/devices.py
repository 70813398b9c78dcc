"""What computes: from the words of ``--device`` to torch devices, and how many cores there are."""

from __future__ import annotations

import os

from facemod.errors import UsageError


def check_devices(names: str) -> None:
    """Raise UsageError unless the names between commas have the form of devices. Needs no torch."""
    for name in names.split(","):
        kind, _, number = name.partition(":")
        number_fits = not number or (kind == "cuda" and number.isdecimal())
        if kind not in ("auto", "cpu", "cuda", "mps") or not number_fits:
            raise UsageError(f"--device {name}: unknown; use auto, cpu, cuda, cuda:N or mps")


def find_devices(names: str) -> list[str]:
    """The torch devices that ``--device`` means: several with commas; all GPUs with auto.

    Raises:
        UsageError: one of them is unknown or not there.
    """
    import torch

    if names == "auto" and torch.cuda.device_count() > 1:
        return [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    return [find_device(name)[0] for name in names.split(",")]


def find_device(name: str) -> tuple[str, str]:
    """The torch device for ``--device``, and why.

    Raises:
        UsageError: the name is unknown or the device is not there.
    """
    check_devices(name)
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        if cuda:
            return "cuda", f"auto: {torch.cuda.get_device_name(0)}"
        if mps:
            return "mps", "auto: Apple GPU"
        return "cpu", "auto: no GPU that this torch can use"
    kind, _, number = name.partition(":")
    there = {"cpu": True, "mps": mps, "cuda": cuda and int(number or 0) < torch.cuda.device_count()}
    if not there[kind]:
        raise UsageError(f"--device {name}: torch {torch.__version__} finds no such device here")
    return name, "as asked"


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
