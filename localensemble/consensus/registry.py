"""From a name and settings in an ensemble file to an object, or an error with a suggestion."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from localensemble.consensus.protocol import Settings
from localensemble.core.errors import EnsembleError
from localensemble.core.identity import canonical_json

Built = TypeVar("Built")


def build_named(
    kind: str,
    *,
    name: str,
    settings: Mapping[str, object] | None,
    known: Mapping[str, Callable[..., Built]],
) -> Built:
    """Build the object registered under a name.

    Args:
        kind: what is built, in words, for the error.
        name: as written in the ensemble file.
        settings: keyword settings; unknown ones are refused.
        known: name to builder; a builder's parameters are its settings.

    Raises:
        EnsembleError: the name or a setting is unknown, or a required one is missing.
    """
    if name not in known:
        raise EnsembleError(f'Unknown {kind} "{name}".', hint=suggestion(name, known=known))
    builder = known[name]
    parameters = inspect.signature(builder).parameters
    given = dict(settings or {})
    for setting in given:
        if setting not in parameters:
            raise EnsembleError(
                f'The {kind} "{name}" has no setting "{setting}".',
                hint=suggestion(setting, known=parameters),
            )
    for setting, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty and setting not in given:
            raise EnsembleError(
                f'The {kind} "{name}" needs the setting "{setting}".',
                hint=f"Write it as `{name}: {{{setting}: ...}}`.",
            )
    return builder(**given)


def suggestion(name: str, *, known: Iterable[str]) -> str:
    """Say which known name was probably meant, and list them all."""
    names = sorted(known)
    if not names:
        return "It takes no settings."
    close = difflib.get_close_matches(name, names, n=1)
    start = f'Did you mean "{close[0]}"? ' if close else ""
    return f"{start}Known: {', '.join(names)}."


def describe_settings(settings: Mapping[str, object]) -> Settings:
    """Write settings as (name, canonical JSON), in name order."""
    return tuple((name, canonical_json(settings[name])) for name in sorted(settings))  # type: ignore[arg-type]


def check_share(value: object, *, owner: str, setting: str, above_zero: bool = False) -> None:
    """Refuse a setting that is no number from 0 to 1.

    Raises:
        EnsembleError: it is no number, or outside the range.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (0 <= value <= 1) or (above_zero and value == 0):  # type: ignore[operator]
        low = "above 0" if above_zero else "from 0"
        raise EnsembleError(
            f'"{owner}" cannot take {setting} = {value!r}; expected a number {low} to 1.',
            hint=f"Correct {setting} in the ensemble file.",
        )


def check_mapping(value: object, *, owner: str, setting: str, example: str) -> None:
    """Refuse a setting that does not map names to something.

    Raises:
        EnsembleError: it is no mapping.
    """
    if not isinstance(value, Mapping):
        raise EnsembleError(
            f'"{owner}" cannot take {setting} = {value!r}; expected names, each with its own.',
            hint=f"Write it as `{setting}: {{{example}}}`.",
        )


def check_count(value: object, *, owner: str, setting: str, least: int) -> None:
    """Refuse a setting that is no whole number of at least ``least``.

    Raises:
        EnsembleError: it is no whole number, or too small.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise EnsembleError(
            f'"{owner}" cannot take {setting} = {value!r}; '
            f"expected a whole number of at least {least}.",
            hint=f"Correct {setting} in the ensemble file.",
        )
