"""Every command of the command line, as the command line itself knows it."""

from __future__ import annotations

from collections.abc import Iterator


def walked(command, words=()) -> Iterator[tuple[str, object]]:
    """Every command with its whole name, those of groups included."""
    if not hasattr(command, "commands"):
        yield " ".join(words), command
        return
    for name, inner in command.commands.items():
        yield from walked(inner, (*words, name))
