"""``facemod help``: the guide, page by page, where there is no browser."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer

from facemod.cli.completing import topics
from facemod.cli.guide import INDEX, pages, read_page
from facemod.cli.options import Printing
from facemod.cli.result import Result
from facemod.errors import UsageError


def help(
    printing: Printing,
    topic: Annotated[
        str,
        typer.Argument(
            metavar="[TOPIC]",
            help="A page, such as edit, mix or batches; by default the list of all.",
            show_default=False,
            autocompletion=topics,
        ),
    ] = INDEX,
) -> Result:
    """Read the guide: [bold]facemod help edit[/]."""
    known = pages()
    if topic not in known:
        close = difflib.get_close_matches(topic, known)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(known)};"
        raise UsageError(
            f"no page is called {topic}; {hint} `facemod COMMAND --help` explains a command"
        )
    text = read_page(known[topic], known)
    return Result("help", data={"topic": topic, "pages": list(known), "text": text}, page=text)
