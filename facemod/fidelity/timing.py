"""How long fits take on this machine: measured once and remembered, so that plans are the same."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import torch

from facemod.errors import OutputError
from facemod.files.atomic import write_bytes
from facemod.models.base import Effort, FittingModel
from facemod.tensors.precision import working_precision

FILE = "seconds.json"


def fit_seconds(model: FittingModel, effort: Effort, folder: Path) -> float:
    """At most how long a fit takes here. ``folder`` remembers it for each model and setting."""
    device = str(model.device)
    setting = (device, working_precision(device), torch.get_num_threads())
    key = " ".join(map(str, (model.fingerprint, effort.value, *setting)))
    known = remembered(folder / FILE)
    if key not in known:
        known[key] = round(model.fit_seconds(effort), 1)
        with suppress(OutputError, OSError):  # then it is measured again next time
            folder.mkdir(parents=True, exist_ok=True)
            write_bytes(json.dumps(known, indent=1).encode(), folder / FILE, overwrite=True)
    return known[key]


def remembered(path: Path) -> dict[str, float]:
    """What was measured before; nothing if that cannot be read."""
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text())
        if isinstance(known, dict):
            return {str(k): float(v) for k, v in known.items() if isinstance(v, int | float)}
    return {}
