"""The one place that prints: data on stdout, words and progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.markup import escape

from facemod.cli import streams
from facemod.cli.result import Result, Table
from facemod.jobs.outcome import Outcome

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn
    from rich.table import Table as RichTable

MARKS = {
    "done": "[green]done[/]",
    "used": "[green]used[/]",
    "skipped": "[dim]skipped[/]",
    "no-face": "[yellow]no face[/]",
    "failed": "[red]failed[/]",
}
UNLIMITED = 10_000
READABLE = 100
"""Columns of a text to read."""


def words() -> Console:
    """The console for people: stderr, looked up late so that redirection works."""
    return Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def say(message: str) -> None:
    """One line for people."""
    words().print(printable(message))


def render(result: Result, *, as_json: bool, quiet: bool) -> None:
    """Print a result: one JSON envelope on stdout, or words for people."""
    with streams.data():
        if as_json:
            print_envelope(result)
        elif result.page:
            print_page(result.page)
        elif result.table is not None:
            print_table(result.table)
            for table in result.tables:
                sys.stdout.write("\n")
                print_table(table)
    console = words()
    for outcome in () if result.shown else result.outcomes:
        show(outcome, console, quiet=quiet)
    for message in (*result.warnings, *(() if quiet else result.messages)):
        console.print(printable(message))
    if len(result.outcomes) > 1 and not quiet:
        console.print(reasons(result.outcomes), end="")
        console.print(summary(result.outcomes))
    if result.error is not None:
        console.print(f"[red]error:[/] {printable(str(result.error))}")


def show(outcome: Outcome, console: Console, *, quiet: bool) -> None:
    """One outcome for people, above the progress bar if ``console`` has one."""
    if not quiet or outcome.error:
        console.print(outcome_line(outcome))


def print_outcome(outcome: Outcome) -> None:
    """One outcome for machines, on stdout, at once."""
    with streams.data():
        sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=True) + "\n")


def print_envelope(result: Result) -> None:
    """The one JSON object of ``--json``, on stdout."""
    sys.stdout.write(json.dumps(result.envelope(), ensure_ascii=True) + "\n")


def printable(text: str) -> str:
    """Text as rich markup, with anything that a terminal would not show, or obey, spelt out.

    File names may hold newlines, escape sequences and bytes that are no characters.
    """
    clean = os.fsencode(text).decode("utf-8", "backslashreplace")
    return escape("".join(c if c.isprintable() else ascii(c)[1:-1] for c in clean))


def outcome_line(outcome: Outcome) -> str:
    """One file in one line of rich markup."""
    target = f" -> {printable(outcome.output)}" if outcome.output else ""
    # Messages about a file start with its name, which stands here already.
    message = outcome.error["message"].removeprefix(f"{outcome.input}: ") if outcome.error else ""
    reason = f": {printable(message)}" if message else ""
    notes = "".join(f"\n  note: {printable(note)}" for note in outcome.notes)
    facts = f" [dim]{alike(outcome)}{outcome.seconds:.1f} s[/]" if outcome.status == "done" else ""
    return f"{MARKS[word_for(outcome)]} {printable(outcome.input)}{target}{reason}{facts}{notes}"


def word_for(outcome: Outcome) -> str:
    """The status of a photo for people, who want to know what was done and what only used."""
    return "used" if outcome.status == "done" and outcome.gave else outcome.status


def alike(outcome: Outcome) -> str:
    """How much each face of a photo still looks like itself."""
    scores = [face.scores["likeness"] for face in outcome.faces if "likeness" in face.scores]
    return f"likeness {', '.join(f'{score:.2f}' for score in scores)}  " if scores else ""


def summary(outcomes: Iterable[Outcome]) -> str:
    """How many files ended how."""
    statuses = [word_for(outcome) for outcome in outcomes]
    counts = (f"{statuses.count(s)} {MARKS[s]}" for s in MARKS if s in statuses)
    return f"{len(statuses)} in all: {', '.join(counts)}"


def reasons(outcomes: Iterable[Outcome]) -> RichTable | str:
    """How many photos failed for which kind of reason, with an example of each."""
    failures = [outcome for outcome in outcomes if outcome.error]
    if len(failures) < 2:
        return ""
    from rich.table import Table as RichTable

    counts = Counter(outcome.error["code"] for outcome in failures if outcome.error)
    table = RichTable("photos", "reason", "for example", box=None, header_style="bold")
    for code, count in counts.most_common():
        example = next(o.input for o in failures if o.error and o.error["code"] == code)
        table.add_row(str(count), escape(code), printable(example))
    return table


def print_table(table: Table) -> None:
    """A listing, on stdout: it is the command's data. Lines are cut only for a terminal."""
    from rich.table import Table as RichTable

    console = Console(highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    rich_table = RichTable(*table.columns, box=None, pad_edge=False, header_style="bold")
    for row in table.rows:
        rich_table.add_row(*(printable(cell) for cell in row))
    if console.is_terminal:
        console.print(rich_table)
        return
    with console.capture() as captured:
        console.print(rich_table)
    # Cells are padded to their columns; programs and pagers have no use for that at the end.
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def print_page(text: str) -> None:
    """A text to read, on stdout: laid out on a terminal, elsewhere as it is written."""
    console = Console(emoji=False)
    if not console.is_terminal:
        sys.stdout.write(f"{text.rstrip()}\n")
        return
    from rich.markdown import Markdown

    console.print(Markdown(text), width=min(console.width, READABLE))


def picture(renderable: RenderableType) -> None:
    """A picture in the terminal, on stdout."""
    with streams.data():
        Console().print(renderable)


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Progress]:
    """A progress bar with ETA on stderr, when that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _bar(*columns, shown=shown) as bar:
        bar.add_task("starting", total=total)
        yield bar


@contextmanager
def transfer(what: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar in bytes; yields what to call with the bytes there, and in all."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    speed = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with _bar(TextColumn(what, markup=False), BarColumn(), *speed, shown=shown) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


@contextmanager
def share_done(*, shown: bool) -> Iterator[tuple[Callable[[str], None], Callable[[float], None]]]:
    """For work of unknown length, two functions: say a line, and move a bar to a share 0..1.

    The bar, with an ETA, is on stderr when that is a terminal; lines go above it.
    """
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    bar = _bar(*columns, shown=shown)
    task = bar.add_task("", total=1.0)

    def tell(line: str) -> None:
        if shown:
            bar.console.print(escape(line))

    with bar:
        yield tell, lambda share: bar.update(task, completed=share)


def _bar(*columns: ProgressColumn, shown: bool) -> Progress:
    from rich.progress import Progress

    console = words()
    return Progress(
        *columns,
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
