"""The command line: every command registered, every failure translated into words and a code."""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from facemod import __version__
from facemod.cli import listing, render, showing, signals, streams
from facemod.cli.expand import expand
from facemod.cli.groups import DefaultingGroup, LazyCommands, LazyGroup
from facemod.cli.result import Result
from facemod.cli.signals import code_of
from facemod.errors import (
    ExitCode,
    InputError,
    MissingInputsError,
    UnexpectedError,
    UsageError,
    explained,
)
from facemod.jobs.outcome import Outcome, failed, left_aside
from facemod.latent.presets import find_presets
from facemod.tensors.starting import import_quickly, wait_idly

if TYPE_CHECKING:
    from facemod.cli.groups import Command

SETTINGS = {"help_option_names": ["-h", "--help"]}
NETWORK_FREE = "Nothing leaves this machine. Results are marked as AI-edited in their metadata."


class Root(LazyGroup):
    """``facemod`` itself."""

    def made(self) -> LazyCommands:
        return LazyCommands([*listing.COMMANDS, *listing.GROUPS], command_called)


app = typer.Typer(
    name="facemod",
    cls=Root,
    help=f"Edit, mix and morph faces in real photos. {NETWORK_FREE}",
    context_settings=SETTINGS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def reported(name: str, command: Callable[..., Result]) -> Callable[..., None]:
    """The Typer side of a command: run it, render what it returns, exit with its code."""
    expanded = expand(command)

    @functools.wraps(expanded)
    def run(**values: Any) -> None:
        try:
            result = expanded(**values)
        except KeyboardInterrupt as stop:
            code = code_of(stop)
            how = "stopped by SIGTERM" if code is ExitCode.TERMINATED else "interrupted"
            result = Result(name, messages=(f"{how}; nothing was written",), interrupted=code)
        except MissingInputsError as problem:
            result = Result(name, outcomes_without(problem))
        except Exception as problem:  # the translator at the edge: everything becomes a code
            result = Result(name, error=explained(problem))
            if isinstance(result.error, UnexpectedError):
                traceback.print_exc()
        as_json = values["json"] or values.get("jsonl", False)
        render.render(result, as_json=as_json, quiet=values["quiet"])
        show(result, values, as_json=as_json)
        raise typer.Exit(int(ending(result)))

    run.__signature__ = expanded.__signature__  # type: ignore[attr-defined]
    return run


def show(result: Result, values: Mapping[str, Any], *, as_json: bool) -> None:
    """Show what was made to people who asked for that."""
    files = showing.files_of(result) if values.get("open") or values.get("show") else []
    if values.get("show") and as_json:
        render.say("--show: stdout is for machines with --json and --jsonl")
    elif values.get("show"):
        for words in showing.show_files(files):
            render.say(words)
    if values.get("open"):
        for words in showing.open_files(files):
            render.say(words)


def outcomes_without(problem: MissingInputsError) -> tuple[Outcome, ...]:
    """The outcomes of photos of which some, or all, are not there."""
    missing = (failed(path, InputError(f"{path}: no such file")) for path in problem.paths)
    return (*missing, *(left_aside(path) for path in problem.others))


def ending(result: Result) -> ExitCode:
    """How the process ends: as the command did, unless what it had to say could not be written."""
    if why := streams.unwritten():
        render.say(f"error: stdout cannot be written: {why}")
    return result.exit_code or (ExitCode.OUTPUT_EXISTS if why else ExitCode.OK)


def version(value: bool) -> None:
    if value:
        typer.echo(f"facemod {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command."""


@functools.cache
def command_called(name: str) -> Command:
    """A command, or a group of commands, made when it is first asked for."""
    if name in listing.COMMANDS:
        panel, place = listing.COMMANDS[name]
        return command_at(place, name, name, panel)
    group = listing.GROUPS[name]
    return DefaultingGroup(
        name=name,
        commands=LazyCommands(  # type: ignore[arg-type]  # any mapping does
            group.verbs,
            lambda verb: command_at(group.verbs[verb], verb, f"{name} {verb}"),
        ),
        help=group.text,
        context_settings=SETTINGS,
        no_args_is_help=True,
        rich_help_panel=group.panel,
    )


@functools.cache
def command_at(place: str, verb: str, name: str, panel: str | None = None) -> Command:
    """The command that a function ``module:function`` of :mod:`facemod.cli.commands` is."""
    module, _, function = place.partition(":")
    found = getattr(importlib.import_module(f"facemod.cli.commands.{module}"), function)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(verb, rich_help_panel=panel)(reported(name, found))
    return typer.main.get_command(alone)


def main() -> None:
    """The console command: always ends in an exit code, with a JSON envelope where one is due."""
    streams.make_usable()
    wait_idly()
    import_quickly()
    signals.listen()
    try:
        sys.exit(app(prog_name="facemod", standalone_mode=False))
    except typer.TyperException as problem:
        problem.show()  # type: ignore[attr-defined]  # Typer's own annotation lacks it
        # A preset that cannot be read is no option, which may be what went wrong.
        for flaw in find_presets()[1]:
            render.say(flaw)
        if {"--json", "--jsonl"} & set(sys.argv[1:]):
            with streams.data():
                error = UsageError(problem.format_message())
                render.print_envelope(Result(command_words(), error=error))
        sys.exit(int(ExitCode.USAGE))
    except (KeyboardInterrupt, typer.Abort) as stop:
        sys.exit(int(signals.code_of(stop)))


def command_words() -> str:
    """The command that was meant, for an envelope about a command line that does not parse."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    return " ".join(words[: 2 if words[:1] and words[0] in listing.GROUPS else 1]) or "facemod"
