"""What a command returns. Commands never print; :mod:`facemod.cli.render` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from facemod import __version__
from facemod.errors import ExitCode, FacemodError
from facemod.jobs.outcome import Outcome, exit_code

SCHEMA = 1


@dataclass(frozen=True)
class Table:
    """Rows of text for people; machines read ``Result.data``."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True)
class Result:
    """How a command went."""

    command: str
    outcomes: tuple[Outcome, ...] = ()
    data: Any = None
    """What a listing command found, ready for JSON."""
    table: Table | None = None
    tables: tuple[Table, ...] = ()
    """Further tables, shown after ``table``."""
    page: str = ""
    """A text to read, in Markdown."""
    messages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """Messages that ``--quiet`` does not silence."""
    error: FacemodError | None = None
    """Why the command as a whole stopped."""
    interrupted: ExitCode | None = None
    """How the command ends if somebody stopped it."""
    shown: bool = False
    """Whether the outcomes were shown to people already, as they came."""
    streamed: bool = False
    """Whether the outcomes were printed for machines already."""

    @property
    def exit_code(self) -> ExitCode:
        if self.interrupted is not None:
            return self.interrupted
        if self.error is not None:
            return self.error.exit_code
        return exit_code(self.outcomes)

    @property
    def status(self) -> str:
        """``success``, ``partial`` (some outputs are there) or ``error``."""
        if self.exit_code is ExitCode.OK:
            return "success"
        return "partial" if any(outcome.output for outcome in self.outcomes) else "error"

    def envelope(self) -> dict[str, Any]:
        """The JSON envelope: its keys are a contract, versioned by ``schema``."""
        error = self.error and {"code": self.error.code, "message": str(self.error)}
        return {
            "schema": SCHEMA,
            "facemod": __version__,
            "command": self.command,
            "status": self.status,
            "exit_code": int(self.exit_code),
            "error": error,
            "outcomes": [] if self.streamed else [o.as_json() for o in self.outcomes],
            "data": self.data,
        }
