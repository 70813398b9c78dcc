"""Groups of options: a command takes a whole group as one parameter, such as ``common: Common``.

:func:`expand` shows Typer the group's fields instead and hands the command the filled group.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, get_type_hints

import typer
from rich.markup import escape

from facemod.training.settings import Setting


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
            parameters.append(parameter.replace(annotation=hints[name], kind=kind))

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
            annotation=_as_option(hints[f.name]),
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
