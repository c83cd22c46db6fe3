"""Read JSON that anybody may have written: every value is checked before it is used.

Refuses text that is not JSON, that nests too deeply or repeats a key, and values of another kind
than expected. The error names the place, what was expected and what was found.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from localensemble.core.shown_text import shown

_LONGEST_SHOWN = 40
_LONGEST_TEXT = 4096
_SHA256 = re.compile(r"[0-9a-f]{64}")
# The largest size that a file system can count.
_LARGEST_NUMBER = 2**63 - 1


class ForeignJsonError(ValueError):
    """A JSON file is not what was expected; the text says where, and what was found."""


def read_json(data: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        ForeignJsonError: it is not JSON, nests too deeply, repeats a key, has a number that is
            not finite, or half of a character, which no file or screen could show.
    """
    try:
        found = json.loads(
            data,
            object_pairs_hook=_without_repeats,
            parse_constant=_refused,
            parse_float=_finite,
        )
        if (data.find("\\u") if isinstance(data, str) else data.find(b"\\u")) >= 0:
            json.dumps(found, ensure_ascii=False).encode()
        return found
    except RecursionError:
        raise ForeignJsonError("the file nests lists or objects too deeply") from None
    except ForeignJsonError:
        raise
    except ValueError as error:
        # Python's message may quote the file; a position does not.
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ForeignJsonError(f"the file is not JSON{place}") from None


class Fields:
    """An object of a JSON file, whose fields are read one by one and checked.

    Args:
        value: what was found.
        where: the place of the object, for messages; empty for the whole file.
    """

    def __init__(self, value: object, *, where: str = "") -> None:
        if not isinstance(value, dict):
            _refuse(where or "the file", "an object with fields", value)
        self._fields: Mapping[str, object] = value
        self._where = where

    def text(self, key: str, *, empty: bool = True, most: int = _LONGEST_TEXT) -> str:
        """Return a text without characters that are not shown."""
        value = self._value(key)
        if not isinstance(value, str):
            _refuse(self._place(key), "text", value)
        if len(value) > most:
            _refuse(self._place(key), f"at most {most:,} characters", f"{len(value):,} characters")
        if shown(value) != value or "\n" in value or "\t" in value:
            _refuse(self._place(key), "text without control characters", value)
        if not value and not empty:
            _refuse(self._place(key), "text that is not empty", value)
        return value

    def sha256(self, key: str, *, empty: bool = False) -> str:
        """Return a SHA-256 of 64 hexadecimal digits."""
        value = self._value(key)
        if (empty and value == "") or (isinstance(value, str) and _SHA256.fullmatch(value)):
            return str(value)
        _refuse(self._place(key), "a SHA-256 of 64 digits 0-9 and a-f", value)

    def count(self, key: str) -> int:
        """Return a whole number that is not negative."""
        value = self._value(key)
        if type(value) is not int or not 0 <= value <= _LARGEST_NUMBER:
            _refuse(self._place(key), "a whole number of 0 or more", value)
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            _refuse(self._place(key), "true or false", value)
        return value

    def one_of(self, key: str, choices: Collection[str]) -> str:
        """Return one of the words that are allowed."""
        value = self._value(key)
        if not isinstance(value, str) or value not in choices:
            _refuse(self._place(key), " or ".join(sorted(choices)), value)
        return value

    def inside(self, key: str) -> Fields:
        """Return the object in a field."""
        return Fields(self._value(key), where=self._place(key))

    def inside_or_none(self, key: str) -> Fields | None:
        """Return the object in a field; None if the field is null."""
        return None if self._value(key) is None else self.inside(key)

    def each(self, key: str) -> tuple[Fields, ...]:
        """Return the objects of a list."""
        value = self._value(key)
        if not isinstance(value, list):
            _refuse(self._place(key), "a list", value)
        place = self._place(key)
        return tuple(Fields(one, where=f"{place}[{at}]") for at, one in enumerate(value))

    def refuse_others(self, known: Collection[str]) -> None:
        """Refuse fields that this version of the program does not know."""
        others = sorted(self._fields.keys() - set(known))
        if others:
            _refuse(self._where or "the file", f"only {', '.join(sorted(known))}", others[0])

    def _value(self, key: str) -> object:
        if key not in self._fields:
            raise ForeignJsonError(f"{self._place(key)}: the field is missing")
        return self._fields[key]

    def _place(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key


def _refuse(place: str, expected: str, found: object) -> NoReturn:
    raise ForeignJsonError(f"{place}: expected {expected}, found {_described(found)}")


def _described(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object with fields"
    if isinstance(value, str):
        return f'"{_cut(shown(value))}"' if value else "empty text"
    return _cut(f"{value:g}") if isinstance(value, float) else _whole(value)


def _whole(value: object) -> str:
    # Python refuses to write out a number of more than 4,300 digits.
    fits = isinstance(value, int) and abs(value) < 10**_LONGEST_SHOWN
    return str(value) if fits else "a number too large"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        # Programs differ in which of the two they use.
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ForeignJsonError(f'the field "{_cut(shown(twice))}" appears twice')
    return found


def _refused(constant: str) -> NoReturn:
    raise ForeignJsonError(f"{constant} is not a number in JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ForeignJsonError("a number is too large")
    return value
