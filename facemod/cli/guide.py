"""The guide's pages, which travel with the package."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

_PACKAGE = Path(__file__).parents[1]
INDEX = "guide"
"""What the first page is called here; in its folder it is the README."""
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def pages() -> dict[str, Path]:
    """The pages by name, in the installed package or the repository."""
    installed = _PACKAGE / "guide"
    folder = installed if installed.is_dir() else _PACKAGE.parent / "docs" / "guide"
    found = {path.stem: path for path in sorted(folder.glob("*.md"))}
    index = found.pop("README", None)
    return ({INDEX: index} if index else {}) | found


def read_page(path: Path, known: Collection[str]) -> str:
    """A page as Markdown whose links say what to type instead of where files lie."""

    def typed(link: re.Match[str]) -> str:
        words, target = link.groups()
        name = Path(target.partition("#")[0]).stem
        if "://" in target:
            return link[0]
        if target.startswith("../") or name not in known:
            return words
        command = f"`facemod help {name}`"
        return command if words in (name, f"{name}.md") else f"{words} ({command})"

    return _LINK.sub(typed, path.read_text(encoding="utf-8"))
