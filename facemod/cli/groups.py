"""Groups of commands: made when they are asked for, and one may go without its name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

Command = Any
"""Typer's own class for it has no public name."""
DEFAULT = "model"


class LazyCommands(Mapping[str, Command]):
    """Commands by name, each of which ``make`` makes when somebody asks for it."""

    def __init__(self, names: Iterable[str], make: Callable[[str], Command]) -> None:
        self.names, self.make = list(names), make

    def __getitem__(self, name: str) -> Command:
        if name not in self.names:
            raise KeyError(name)
        return self.make(name)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class LazyGroup(TyperGroup):
    """A group whose commands are not made with it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{**settings, "commands": self.made()})

    def made(self) -> Any:
        """The group's :class:`LazyCommands`."""
        raise NotImplementedError


class DefaultingGroup(TyperGroup):
    """``facemod train FOLDER`` means ``facemod train model FOLDER``.

    A first word that names no command goes to :data:`DEFAULT`, if the group has it, unless it
    looks like a misspelt command and no file goes by that name.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and DEFAULT in self.commands and self._lacks_a_command(args[0]):
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _lacks_a_command(self, word: str) -> bool:
        if word in self.commands or word in ("-h", "--help"):
            return False
        misspelt = bool(difflib.get_close_matches(word, self.commands))
        return not misspelt or Path(word).exists()
