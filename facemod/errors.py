"""What can go wrong, and the exit code each kind of failure ends in.

The Python API raises these; only the command line turns them into words and exit codes
(:mod:`facemod.cli.app`).
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path

MEMORY_WORDS = ("out of memory", "not enough memory", "allocate memory")


class ExitCode(IntEnum):
    """Exit codes of the command line. They are a contract: scripts depend on them."""

    OK = 0
    BUG = 1
    USAGE = 2
    NO_INPUT = 3
    NO_FACE = 4
    SOME_FAILED = 5
    OUTPUT_EXISTS = 6
    MODEL_PROBLEM = 7
    MISSING_EXTRA = 8
    INTERRUPTED = 130
    TERMINATED = 143


class FacemodError(Exception):
    """A failure that is the input's, the machine's or the user's, never a bug of facemod.

    ``code`` is a stable word for machines (it appears in ``--json``), ``exit_code`` is how the
    command line ends when this error stops the whole command.
    """

    code = "error"
    exit_code = ExitCode.SOME_FAILED


class UsageError(FacemodError):
    """The request contradicts itself or names something that does not exist."""

    code = "usage"
    exit_code = ExitCode.USAGE


class InputError(FacemodError):
    """A photo cannot be read: missing, truncated, not an image, too large."""

    code = "unreadable"
    exit_code = ExitCode.NO_INPUT


class MissingInputsError(InputError):
    """Nothing can be done: ``paths`` do not exist, and ``others`` are of no use without them."""

    def __init__(self, paths: Sequence[Path], others: Sequence[Path] = ()) -> None:
        more = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
        super().__init__(f"{paths[0]}: no such file{more}")
        self.paths, self.others = tuple(paths), tuple(others)


class NoFaceError(FacemodError):
    """A photo holds no face, or none of the faces that were asked for."""

    code = "no-face"
    exit_code = ExitCode.NO_FACE


class UnlikeError(FacemodError):
    """A result does not look enough like the person."""

    code = "unlike"


class StoppedError(FacemodError):
    """Somebody ended the run in the middle of a photo's work."""

    code = "stopped"


class OutputError(FacemodError):
    """A result cannot be written."""

    code = "unwritable"
    exit_code = ExitCode.OUTPUT_EXISTS


class OutputExistsError(OutputError):
    """The place where a result should go is taken."""

    code = "output-exists"


class ModelError(FacemodError):
    """A model or preset is missing, damaged, or of the wrong kind."""

    code = "model"
    exit_code = ExitCode.MODEL_PROBLEM


class MissingExtraError(FacemodError):
    """An optional package or weight file that was asked for is not installed."""

    code = "missing-extra"
    exit_code = ExitCode.MISSING_EXTRA


class UnexpectedError(FacemodError):
    """A bug of facemod, caught so that it ends one photo and not all of them."""

    code = "bug"
    exit_code = ExitCode.BUG


def explained(problem: Exception) -> FacemodError:
    """Any failure as one that the command line can report."""
    if isinstance(problem, FacemodError):
        return problem
    words = str(problem) or type(problem).__name__
    if is_out_of_memory(problem):
        return InputError(
            "not enough memory; use a smaller photo, or --device cpu if the GPU's was meant"
        )
    where = traceback.extract_tb(problem.__traceback__)[-1]
    return UnexpectedError(
        f"unexpected {type(problem).__name__}: {words} ({Path(where.filename).name}, line "
        f"{where.lineno}); this is a bug in facemod, please report it"
    )


def is_out_of_memory(problem: Exception) -> bool:
    """Whether less at a time may work."""
    words = str(problem).lower()
    return isinstance(problem, MemoryError) or any(part in words for part in MEMORY_WORDS)
