"""The header of a safetensors file, read without torch and without trust."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

from facemod.errors import ModelError

FORMAT = "1"
# Our headers are some kilobytes; a longer one is damage, or an attack on memory.
MAX_HEADER_BYTES = 1 << 20


def read_header(path: Path) -> dict[str, Any]:
    """The JSON header of a safetensors file of ours whose tensors are all there.

    Raises:
        ModelError: the file is missing, truncated, damaged, or not one that facemod wrote.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > MAX_HEADER_BYTES:
                raise ModelError(f"{path}: damaged, its header claims {length} bytes")
            header = json.loads(file.read(length))
            present = file.seek(0, os.SEEK_END) - 8 - length
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (struct.error, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not a readable safetensors file") from error
    try:
        if header["__metadata__"]["facemod.format"] != FORMAT:
            raise ModelError(f"{path}: written by another version of facemod")
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        if max(entry["data_offsets"][1] for entry in tensors) > present:
            raise ModelError(f"{path}: truncated")
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise ModelError(f"{path}: not a facemod file") from error
    return header


def read_config(path: Path) -> dict[str, Any]:
    """The configuration in the header; raises ModelError as :func:`read_header` does."""
    try:
        config = json.loads(read_header(path)["__metadata__"]["config"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"{path}: no configuration in its header") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path}: no configuration in its header")
    return config
