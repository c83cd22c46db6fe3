"""Build an object from a name and settings in an ensemble file, or suggest a correction."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from localensemble.core.errors import EnsembleError
from localensemble.core.identity import canonical_json

Built = TypeVar("Built")

# JSON schema type -> its name in an error. Numbers describe themselves: see `settings`.
_PLAIN_TYPES = {"null": "null", "string": "text"}


def build_named(
    kind: str,
    *,
    name: str,
    settings: Mapping[str, object] | None,
    known: Mapping[str, type[Built]],
) -> Built:
    """Build the object registered under a name.

    Args:
        kind: the kind of object, in words, for the error.
        name: the name in the ensemble file.
        settings: the settings by name; unknown ones are refused.
        known: the dataclass of each name; its fields are its settings.

    Raises:
        EnsembleError: the name or a setting is unknown, or a setting is missing or out of range.
    """
    if name not in known:
        raise EnsembleError(f'Unknown {kind} "{name}".', hint=suggestion(name, known=known))
    builder = known[name]
    given = dict(settings or {})
    names = [field.name for field in fields(cast(Any, builder))]
    for setting in given:
        if setting not in names:
            raise EnsembleError(
                f'The {kind} "{name}" has no setting "{setting}".',
                hint=suggestion(setting, known=names),
            )
    for setting in required_settings(builder):
        if setting not in given:
            raise EnsembleError(
                f'The {kind} "{name}" needs the setting "{setting}".',
                hint=f"Write it as `{name}: {{{setting}: ...}}`.",
            )
    annotations = get_type_hints(builder, include_extras=True)
    for setting, value in given.items():
        _check_setting(
            value, of=f'The {kind} "{name}"', setting=setting, range_=annotations[setting]
        )
    return builder(**given)


def required_settings(builder: type[object]) -> tuple[str, ...]:
    """Return the settings that have no default."""
    return tuple(
        field.name
        for field in fields(cast(Any, builder))
        if field.default is MISSING and field.default_factory is MISSING
    )


def suggestion(name: str, *, known: Iterable[str]) -> str:
    """Return a hint: the known name that was probably meant, and all known names."""
    names = sorted(known)
    if not names:
        return "It takes no settings."
    close = difflib.get_close_matches(name, names, n=1)
    start = f'Did you mean "{close[0]}"? ' if close else ""
    return f"{start}Known: {', '.join(names)}."


def _check_setting(value: object, *, of: str, setting: str, range_: Any) -> None:
    adapter = TypeAdapter[object](range_)
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        entry = "".join(f"[{canonical_json(part)}]" for part in first["loc"][:1])
        schema = adapter.json_schema()
        raise EnsembleError(
            f"{of} cannot take {setting}{entry} = {first['input']!r}; "
            f"expected {_in_words(schema)}.",
            hint=suggestion(str(value), known=schema["enum"])
            if "enum" in schema
            else f"Correct {setting} in the ensemble file.",
        ) from error


def _in_words(schema: Mapping[str, Any]) -> str:
    """Describe the values that the JSON schema of a setting allows."""
    if "description" in schema:
        return str(schema["description"])
    if "anyOf" in schema:
        return " or ".join(_in_words(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'"{one}"' for one in schema["enum"])
    if "additionalProperties" in schema:
        return f"names, each with {_in_words(schema['additionalProperties'])}"
    return _PLAIN_TYPES[schema["type"]]
