"""Reading published checkpoints, which are pickles, without ever running code from one.

``torch.load(weights_only=True)`` builds tensors and plain containers and refuses everything
else; it reads both the zip format and the older plain one, tagged for a GPU or not. Before
torch 2.6 it could be talked into running code (CVE-2025-32434), hence facemod's requirement.
What it does not look at is checked here: archives that unpack to more than they hold.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from pathlib import Path

import torch

from facemod.errors import ModelError

NOT_A_CHECKPOINT = "not a checkpoint that can be read"
DAMAGED = "truncated, damaged or of another kind"
# What the weights-only reader says of a sound pickle that asks for more than weights.
SIGNS_OF_OTHER_OBJECTS = ("GLOBAL", "unrecognized function", "Can only create", "Can only build")


def read_pickle(path: Path) -> object:
    """The tensors and plain containers of a pickle written by ``torch.save``, on the CPU.

    Raises:
        ModelError: the file is missing, damaged, no such pickle, or asks for anything but
            weights (nothing of what it asks for is done).
    """
    try:
        refuse_bomb(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about storages of old formats
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path}: {NOT_A_CHECKPOINT}: {refusal(error)}") from error
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except ModelError:
        raise
    # Damage surfaces as any of a dozen kinds, depending on the byte that was hit.
    except Exception as error:
        raise ModelError(f"{path}: {NOT_A_CHECKPOINT}: {DAMAGED}") from error


def refuse_bomb(path: Path) -> None:
    """Raise ModelError for an archive that unpacks to more than it holds; torch packs nothing."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        packed = [entry.filename for entry in archive.infolist() if entry.compress_type]
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if packed or unpacked > path.stat().st_size:
        raise ModelError(f"{path}: {NOT_A_CHECKPOINT}: a compressed or overlapping archive")


def refusal(error: pickle.UnpicklingError) -> str:
    """Why torch's weights-only reader stopped, in our words; its own are for programmers."""
    words = str(error)
    if not any(sign in words for sign in SIGNS_OF_OTHER_OBJECTS):
        return DAMAGED
    asked = re.search(r"GLOBAL ([\w.]{1,80})", words)
    what = f" ({asked[1]})" if asked else ""
    return (
        f"it holds something other than weights{what}, and could run code if it were loaded in "
        "full; nothing was run"
    )
