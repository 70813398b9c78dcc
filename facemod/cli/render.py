"""The one place that prints: data on stdout, words and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table as RichTable

from facemod.batch import Outcome
from facemod.cli.result import Result, Table
from facemod.errors import ExitCode

MARKS = {
    "done": "[green]done[/]",
    "skipped": "[dim]skipped[/]",
    "no-face": "[yellow]no face[/]",
    "failed": "[red]failed[/]",
}


def words() -> Console:
    """The console for people: stderr, looked up late so that redirection works."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """One line for people."""
    words().print(escape(message))


def render(result: Result, *, as_json: bool, quiet: bool) -> None:
    """Print a result: one JSON envelope on stdout, or words for people."""
    if as_json:
        sys.stdout.write(json.dumps(result.envelope(), ensure_ascii=True) + "\n")
    elif result.table is not None:
        print_table(result.table)
    console = words()
    for outcome in result.outcomes:
        if not (quiet and outcome.exit_code is ExitCode.OK):
            console.print(outcome_line(outcome))
    if not quiet:
        for message in result.messages:
            console.print(escape(message))
        if len(result.outcomes) > 1:
            console.print(summary(result.outcomes))
    if result.error is not None:
        console.print(f"[red]error:[/] {escape(str(result.error))}")


def outcome_line(outcome: Outcome) -> str:
    """One file in one line of rich markup."""
    target = f" -> {escape(outcome.output)}" if outcome.output else ""
    reason = f": {escape(outcome.error['message'])}" if outcome.error else ""
    notes = "".join(f"\n  note: {escape(note)}" for note in outcome.notes)
    seconds = f" [dim]{outcome.seconds:.1f} s[/]" if outcome.status == "done" else ""
    return f"{MARKS[outcome.status]} {escape(outcome.input)}{target}{reason}{seconds}{notes}"


def summary(outcomes: Iterable[Outcome]) -> str:
    """How many files ended how."""
    statuses = [outcome.status for outcome in outcomes]
    counts = (f"{statuses.count(s)} {MARKS[s]}" for s in MARKS if s in statuses)
    return f"{len(statuses)} files: {', '.join(counts)}"


def print_table(table: Table) -> None:
    """A listing, on stdout: it is the command's data."""
    console = Console(highlight=False)
    rich_table = RichTable(*table.columns, box=None, pad_edge=False, header_style="bold")
    for row in table.rows:
        rich_table.add_row(*(escape(cell) for cell in row))
    console.print(rich_table)


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Progress]:
    """A progress bar with ETA on stderr, when that is a terminal."""
    console = words()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    with bar:
        bar.add_task("starting", total=total)
        yield bar
