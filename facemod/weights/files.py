"""Weight files: safetensors whose header carries the configuration of the network.

One file is one complete part of a model. Nothing else has to travel with it, and reading it
never runs code.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from facemod.errors import ModelError
from facemod.weights.rows import SCALE, packed, unpacked

FORMAT = "1"
Network = TypeVar("Network", bound=torch.nn.Module)


def save_weights(
    path: Path,
    state: dict[str, Tensor],
    config: dict[str, Any],
    *,
    dtype: torch.dtype = torch.float16,
    eight_bits: bool = False,
) -> None:
    """Write ``state`` with ``config`` in the header; floating tensors are stored as ``dtype``.

    With ``eight_bits``, large matrices are stored as :mod:`facemod.weights.rows` does.
    """
    kept = packed(state) if eight_bits else state
    tensors = {
        name: (t if not t.is_floating_point() or name.endswith(SCALE) else t.to(dtype)).contiguous()
        for name, t in kept.items()
    }
    header = {"facemod.format": FORMAT, "config": json.dumps(config, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata=header)
    path.chmod(0o644)  # safetensors lets only the owner read


def load_weights(
    path: Path, wanted: Collection[str] | None = None
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a weight file: float32 tensors by name, and the configuration.

    ``wanted`` names the tensors that are read, if not all of them are.

    Raises:
        ModelError: the file is missing, damaged, of another format, or holds values that are
            not finite.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = file.keys()
            if wanted is not None:
                names = [name for name in names if name.removesuffix(SCALE) in wanted]
            state = unpacked({name: file.get_tensor(name) for name in names})
    except FileNotFoundError:
        raise ModelError(f"{path}: the weight file is missing; reinstall facemod") from None
    except ValueError as error:
        raise ModelError(f"{path}: {error}") from error
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error})") from error
    if header.get("facemod.format") != FORMAT or "config" not in header:
        raise ModelError(f"{path}: not a facemod weight file (no configuration in its header)")
    for name, tensor in state.items():
        if tensor.is_floating_point():
            state[name] = tensor.float()
            if not all_finite(state[name]):
                raise ModelError(f"{path}: tensor {name} holds values that are not finite")
    try:
        return state, json.loads(header["config"])
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: its configuration cannot be read ({error})") from error


def all_finite(tensor: Tensor) -> bool:
    """Whether all values are finite. Their sum, which is quick, mostly tells."""
    return math.isfinite(tensor.sum().item()) or bool(torch.isfinite(tensor).all())


def loaded(build: Callable[[], Network], path: Path, *, part: bool = False) -> Network:
    """A new network with the weights of a file, and none before; raises what reading and filling
    raise.

    Whoever asks first, others may want gradients through it: so it is no child of inference mode.
    ``part``: the file holds those of a larger network, and no more than needed is read.
    """
    with torch.inference_mode(False):
        with torch.device("meta"):
            network = build()
        state, _ = load_weights(path, network.state_dict().keys() if part else None)
        fill(network, state, path, assign=True)
    return network


def filled(network: Network, path: Path) -> Network:
    """``network`` with the weights of a file; raises what reading and filling raise."""
    fill(network, load_weights(path)[0], path)
    return network


def fill(
    network: torch.nn.Module, state: dict[str, Tensor], path: Path, *, assign: bool = False
) -> None:
    """Load ``state`` into ``network``, saying which file is to blame when they do not match.

    ``assign`` makes the tensors themselves the network's, which one on the meta device needs.
    """
    try:
        network.load_state_dict(state, assign=assign)
    except RuntimeError as error:
        raise ModelError(f"{path}: the weights do not fit this network ({error})") from error
