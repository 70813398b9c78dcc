"""Being asked to stop: by Ctrl-C, or by SIGTERM as batch systems and containers do."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from facemod.errors import ExitCode


class Terminated(KeyboardInterrupt):
    """SIGTERM came. What holds for Ctrl-C holds for it, but for the exit code."""


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated


def listen() -> None:
    """Let SIGTERM unwind the program as Ctrl-C does, so that nothing stays half written."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _raise)


def code_of(stop: BaseException) -> ExitCode:
    """The exit code of a command that was stopped; Typer may have made an Abort of the reason."""
    reasons = (stop, stop.__cause__, stop.__context__)
    terminated = any(isinstance(reason, Terminated) for reason in reasons)
    return ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED
