"""Make the options of a command from the annotations of its function.

A parameter annotated with an ``Option`` becomes an option. A parameter whose type is a dataclass
with such fields becomes one option for each field, and is passed as one filled object.
"""

from __future__ import annotations

import csv
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import click

from localensemble.core.options import Option, Without, unpacked

Command = Callable[..., None]


def with_options(function: Command) -> Command:
    """Add the options to a command that its function's annotations describe."""
    defaults = {
        name: MISSING if parameter.default is parameter.empty else parameter.default
        for name, parameter in inspect.signature(function).parameters.items()
    }
    parts = _parts(get_type_hints(function, include_extras=True), defaults)

    @functools.wraps(function)
    def command(**given: object) -> None:
        function(**_taken(parts, given), **given)

    declared: Command = command
    for value in reversed([*_options(parts)]):
        declared = value.declare(declared)
    return declared


@dataclass(frozen=True, slots=True)
class _Value:
    """The value of one option; ``default`` is MISSING if the option is required."""

    name: str
    option: Option
    type: object
    default: object

    def declare(self, command: Command) -> Command:
        several = get_origin(self.type) is tuple
        single = get_args(self.type)[0] if several else self.type
        names = self.option.names.split() or ["--" + self.name.split(".")[-1].replace("_", "-")]
        shown = isinstance(self.default, int | float | str | Path) and single is not bool
        # Click takes a default of None for a value, so a required option would have one.
        default: dict[str, Any] = {"default": self.default} if shown else {}
        declare = click.option(
            self.key,
            *names,
            type=_click_type(single, self.option),
            # With False, click would refuse a value that begins with a dash.
            is_flag=True if single is bool else None,
            multiple=several and not self.option.split,
            callback=_split if self.option.split else None,
            required=self.default is MISSING,
            **default,
            show_default=shown,
            metavar=self.option.metavar or None,
            help=self.option.help or None,
        )
        return declare(command)

    @property
    def key(self) -> str:
        """The name under which click passes the value."""
        return self.name.replace(".", "_")


@dataclass(frozen=True, slots=True)
class _Filled:
    """A dataclass that several options fill."""

    make: Callable[..., object]
    parts: Mapping[str, _Value | _Filled]


def _parts(
    hints: Mapping[str, object], defaults: Mapping[str, object], prefix: str = ""
) -> dict[str, _Value | _Filled]:
    """Find the options among the parameters of a function or the fields of a dataclass."""
    found: dict[str, _Value | _Filled] = {}
    for name, default in defaults.items():
        annotated, *notes = unpacked(hints[name])
        option = next((note for note in notes if isinstance(note, Option)), None)
        if option is not None:
            found[name] = _Value(prefix + name, option, annotated, default)
        elif isinstance(annotated, type) and is_dataclass(annotated):
            without = {
                field for note in notes if isinstance(note, Without) for field in note.fields
            }
            found[name] = _Filled(
                annotated,
                _parts(
                    get_type_hints(annotated, include_extras=True),
                    {
                        field.name: field.default
                        for field in fields(annotated)
                        if field.name not in without
                    },
                    f"{prefix}{name}.",
                ),
            )
    return found


def _options(parts: Mapping[str, _Value | _Filled]) -> Iterator[_Value]:
    for part in parts.values():
        yield from _options(part.parts) if isinstance(part, _Filled) else (part,)


def _taken(parts: Mapping[str, _Value | _Filled], given: dict[str, object]) -> dict[str, object]:
    """Collect the options' values as arguments; an option not given keeps its default."""
    arguments: dict[str, object] = {}
    for name, part in parts.items():
        if isinstance(part, _Filled):
            arguments[name] = part.make(**_taken(part.parts, given))
            continue
        value = given.pop(part.key)
        if value is not None:
            arguments[name] = value
    return arguments


def _click_type(single: object, option: Option) -> object:
    if get_origin(single) is Literal:
        return click.Choice(get_args(single))
    if single is Path:
        return click.Path(path_type=Path, dir_okay=option.folder, file_okay=not option.folder)
    if option.least is not None and single is int:
        return click.IntRange(min=int(option.least))
    if option.least is not None:
        open_ends = option.between
        return click.FloatRange(option.least, option.most, min_open=open_ends, max_open=open_ends)
    return single if single in (int, float) else None


def _split(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    """Split values at commas; a value that contains one is quoted."""
    if value is None:
        return None
    return tuple(cell.strip() for cell in next(csv.reader([value], skipinitialspace=True), []))
