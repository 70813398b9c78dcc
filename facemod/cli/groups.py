"""Groups of commands of which one may go without its name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

DEFAULT = "model"


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
