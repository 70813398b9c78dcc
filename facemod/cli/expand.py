"""Groups of options: a command takes a whole group as one parameter, such as ``common: Common``.

:func:`expand` shows Typer the group's fields instead and hands the command the filled group.
"""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from rich.markup import escape
from typer.models import OptionInfo

from facemod.training.settings import Setting

METAVARS = ((bool, ""), (int, "N"), (float, "X"), (Path, "PATH"), (str, "TEXT"))
"""What stands for the value of an option, by its type; a flag has none."""


def expand(function: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each options group among the parameters by the group's fields."""
    hints = get_type_hints(function, include_extras=True)
    del hints["return"]
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name in groups:
            parameters += _parameters_of(groups[name])
        else:
            # Keyword-only, so that Python does not care about the order of defaults.
            kind = inspect.Parameter.KEYWORD_ONLY
            shown = concise(hints[name], parameter.default)
            parameters.append(parameter.replace(annotation=shown, kind=kind))

    @functools.wraps(function)
    def expanded(**values: Any) -> Any:
        for name, group in groups.items():
            values[name] = group(**{f.name: values.pop(f.name) for f in fields(group)})
        return function(**values)

    # What Typer reads.
    expanded.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {p.name: p.annotation for p in parameters}
    return expanded


@functools.cache  # most groups are in many commands, and looking into one takes long
def _parameters_of(group: type) -> tuple[inspect.Parameter, ...]:
    hints = get_type_hints(group, include_extras=True)
    return tuple(
        inspect.Parameter(
            f.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if f.default is MISSING else f.default,
            annotation=concise(_as_option(hints[f.name]), f.default),
        )
        for f in fields(group)
    )


def _as_option(hint: Any) -> Any:
    """The settings of training know nothing of Typer; this tells Typer what they say."""
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Setting):
            option = typer.Option(help=escape(extra.text), rich_help_panel=extra.panel)
            return Annotated[hint.__origin__, option]
    return hint


def concise(hint: Any, default: Any) -> Any:
    """An option that says its default and its variable behind its text, not on further lines.

    Anything but an annotated option comes back as it is.
    """
    kind, *extras = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    options = [extra for extra in extras if isinstance(extra, OptionInfo)]
    if not options:
        return hint
    option = copy.copy(options[0])
    if option.metavar is None:
        option.metavar = next(
            (word for of, word in METAVARS if of in (kind, *get_args(kind))), None
        )
    known = [_default_of(default)] if option.show_default is True else []
    known += [f"${option.envvar}"] if option.envvar else []
    if facts := ", ".join(filter(None, known)):
        option.help = f"{option.help} [dim]({facts})[/]"
    option.show_default = option.show_envvar = False
    return Annotated[(kind, option)]  # type: ignore[return-value]


def _default_of(default: Any) -> str:
    """What is said about a default; nothing where there is none to speak of."""
    if isinstance(default, bool) or not isinstance(default, (int, float, str, Path)):
        return ""
    words = f"{default:g}" if isinstance(default, float) else str(default)
    return escape(f"default {words}") if words else ""
