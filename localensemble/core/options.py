"""How a value is given on the command line, written in the annotation of the value itself.

A field or parameter ``seed: Annotated[int, Option("Seed of the draw.", least=0)] = 0`` becomes
the option ``--seed``. Python code sees a plain ``int``. ``cli`` reads the annotations to declare
its options; values that come from Python are compared with them by `fitting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from localensemble.core.errors import InputError

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a command.

    Attributes:
        help: one sentence for ``--help``.
        names: names of the option, separated by spaces, as in ``"-o --output"``. If empty, the
            name is made from the name of the field.
        metavar: placeholder for the value in ``--help``. If empty, it depends on the type.
        least: the smallest number allowed.
        most: the largest number allowed.
        between: True if ``least`` and ``most`` themselves are refused.
        folder: True if a path must be a folder, False if it must be a file.
        split: True if several values are given at once, separated by commas; False if the
            option is repeated.
    """

    help: str = ""
    names: str = ""
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    between: bool = False
    folder: bool = False
    split: bool = False


@dataclass(frozen=True, slots=True)
class Without:
    """The fields of an options dataclass for which a command has no option."""

    fields: tuple[str, ...]


def fitting(options: Given) -> Given:
    """Return a dataclass of options; refuse words and numbers that the command line would refuse.

    Raises:
        InputError: a value is not one of the words, or outside of its range.
    """
    for name, annotation in get_type_hints(type(options), include_extras=True).items():
        value = getattr(options, name)
        kind, *notes = unpacked(annotation)
        option = next((note for note in notes if isinstance(note, Option)), None)
        if option is None or value is None:
            if isinstance(kind, type) and is_dataclass(kind):
                fitting(value)
            continue
        expected = _expected(value, kind, option)
        if expected:
            shown = option.names.split()[-1].lstrip("-") if option.names else name
            raise InputError(
                f"{shown}: found {value!r}; expected {expected}.", hint=f"Correct {shown}."
            )
    return options


def refuse_other_words(value: object, *, name: str, words: Sequence[str]) -> None:
    """Refuse a value that is not one of the words that a parameter takes.

    Raises:
        InputError: it is another; the message names the words.
    """
    if value not in words:
        raise InputError(
            f"{name}: found {value!r}; expected {_any_of(words)}.", hint=f"Correct {name}."
        )


def unpacked(declared: object) -> tuple[object, ...]:
    """Split a declared type into the type without None and the notes beside it."""
    notes: tuple[object, ...] = ()
    if get_origin(declared) is Annotated:
        declared, *rest = get_args(declared)
        notes = tuple(rest)
    if get_origin(declared) in (Union, UnionType):
        declared, *_ = (kind for kind in get_args(declared) if kind is not NoneType)
    return declared, *notes


def _expected(value: Any, kind: object, option: Option) -> str:
    """Return what is expected instead of the value; empty if it is right."""
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return "" if value in words else _any_of(words)
    least, most = option.least, option.most
    if least is None:
        return ""
    number = isinstance(value, Integral if kind is int else Real)
    what = "a whole number" if kind is int else "a number"
    if most is None:
        return "" if number and value >= least else f"{what} of at least {least:g}"
    if option.between:
        fits = number and least < value < most
        return "" if fits else f"{what} between {least:g} and {most:g}"
    return "" if number and least <= value <= most else f"{what} from {least:g} to {most:g}"


def _any_of(words: Sequence[str]) -> str:
    return " or ".join(f'"{word}"' for word in words)
