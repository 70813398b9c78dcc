"""The command line: every command registered, every failure translated into words and a code."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from facemod import __version__
from facemod.cli import render, signals, streams
from facemod.cli.commands import (
    align,
    bench,
    cache,
    doctor,
    edit,
    evaluate,
    grid,
    mix,
    models,
    morph,
    paint,
    preset_files,
    preset_gallery,
    preset_learn,
    preset_sheet,
    presets,
    reconstruct,
    sample,
    train,
    train_model,
    train_parts,
)
from facemod.cli.expand import expand
from facemod.cli.groups import DefaultingGroup
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
from facemod.tensors.waiting import wait_idly

SETTINGS = {"help_option_names": ["-h", "--help"]}
NETWORK_FREE = "Nothing leaves this machine. Results are marked as AI-edited in their metadata."

app = typer.Typer(
    name="facemod",
    help=f"Edit, mix and morph faces in real photos. {NETWORK_FREE}",
    context_settings=SETTINGS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
groups: dict[str, typer.Typer] = {}


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
        raise typer.Exit(int(ending(result)))

    run.__signature__ = expanded.__signature__  # type: ignore[attr-defined]
    return run


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


def register() -> None:
    """Put every command into its help panel."""
    panels: dict[str, tuple[Callable[..., Result], ...]] = {
        "Edit photos": (edit.edit, mix.mix, paint.paint, morph.morph),
        "Look inside": (reconstruct.reconstruct, grid.grid, sample.sample, align.align),
        "Train": (evaluate.evaluate,),
        "About facemod": (doctor.doctor, bench.bench),
    }
    for panel, commands in panels.items():
        for command in commands:
            app.command(rich_help_panel=panel)(reported(command.__name__, command))
    about = "About facemod"
    register_group(
        "presets",
        "The named edits, and how to make your own.",
        about,
        presets.presets_list,
        presets.presets_show,
        preset_sheet.presets_sheet,
        preset_gallery.presets_gallery,
        preset_learn.presets_learn,
        preset_files.presets_rename,
        preset_files.presets_remove,
        preset_files.presets_export,
        preset_files.presets_import,
    )
    register_group(
        "models", "The models.", about, models.models_list, models.models_info,
        models.models_pull, models.models_import, models.models_verify, models.models_remove,
    )  # fmt: skip
    register_group(
        "cache", "What was learnt of photos.", about, cache.cache_info, cache.cache_clear
    )
    register_group(
        "train", "Train your own weights.", "Train",
        train_model.train_model, train.train_prepare, train.train_preview, train.train_encoder,
        train.train_details, train_parts.train_heads, train_parts.train_likeness,
        train_parts.train_presets, train_parts.train_published, train_parts.train_levels,
        train_parts.train_leaks, train_parts.train_fidelity,
    )  # fmt: skip


def register_group(name: str, text: str, panel: str, *commands: Callable[..., Result]) -> None:
    """Put the functions ``NAME_verb`` into a group of commands ``NAME verb``."""
    groups[name] = typer.Typer(
        cls=DefaultingGroup, help=text, context_settings=SETTINGS, no_args_is_help=True
    )
    for command in commands:
        verb = command.__name__.removeprefix(f"{name}_")
        groups[name].command(verb)(reported(f"{name} {verb}", command))
    app.add_typer(groups[name], name=name, rich_help_panel=panel)


register()


def main() -> None:
    """The console command: always ends in an exit code, with a JSON envelope where one is due."""
    streams.make_usable()
    wait_idly()
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
    return " ".join(words[: 2 if words[:1] and words[0] in groups else 1]) or "facemod"
