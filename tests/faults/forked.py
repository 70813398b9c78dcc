"""What forked processes of the fault tests share: silence, and a command line as their end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


def be_silent() -> None:
    """Nothing that this process says is heard from now on."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)


def end_by(command_line: Callable[[], None], words: Sequence[str]) -> NoReturn:
    """End this process as ``facemod WORDS`` ends, or with 99 if that ends in no way of its own."""
    sys.argv = ["facemod", *words]
    try:
        command_line()
    except SystemExit as ended:
        os._exit(int(ended.code or 0))
    finally:
        os._exit(99)
