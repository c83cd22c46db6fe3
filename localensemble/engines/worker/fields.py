"""Read the fields of a message one by one, each with the type that it must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localensemble.engines.worker.message_stream import MalformedMessageError

# Sums of such numbers still fit a ledger, whose largest number is 2 ** 63 - 1.
MOST_WHOLE = 1 << 53


class Fields:
    """The fields of a message, as a schema would read them.

    Every method raises MalformedMessageError if the field is missing or has another type.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._value(name)
        return value if isinstance(value, str) else self._refuse(name)

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None."""
        return None if self._value(name) is None else self.text(name)

    def text_list(self, name: str) -> list[str]:
        """Return a list of texts."""
        values = self.items(name)
        if not all(isinstance(value, str) for value in values):
            self._refuse(name)
        return values

    def one_of(self, name: str, known: Sequence[str]) -> str:
        """Return a text that is one of those known."""
        value = self.text(name)
        return value if value in known else self._refuse(name)

    def flag(self, name: str) -> bool:
        """Return True or False."""
        value = self._value(name)
        return value if isinstance(value, bool) else self._refuse(name)

    def number(self, name: str) -> int:
        """Return a whole number from 0 to 2 ** 53."""
        value = self._value(name)
        return int(value) if _is_whole(value) else int(self._refuse(name))

    def number_or_none(self, name: str) -> int | None:
        """Return a whole number, or None."""
        return None if self._value(name) is None else self.number(name)

    def seconds(self, name: str) -> float:
        """Return a number of seconds: not negative, and not endless."""
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._refuse(name)
        # A whole number can be too large to be compared as a float.
        if not 0 <= value <= MOST_WHOLE:
            self._refuse(name)
        return float(value)

    def numbers(self, name: str) -> list[int]:
        """Return a list of whole numbers."""
        values = self.items(name)
        if not all(map(_is_whole, values)):
            self._refuse(name)
        return values

    def items(self, name: str) -> list[Any]:
        """Return a list of anything."""
        value = self._value(name)
        return value if isinstance(value, list) else self._refuse(name)

    def inner(self, name: str) -> Fields:
        """Return the fields of an object inside."""
        value = self._value(name)
        return Fields(value) if isinstance(value, dict) else self._refuse(name)

    def _value(self, name: str) -> Any:
        return self._fields[name] if name in self._fields else self._refuse(name)

    def _refuse(self, name: str) -> Any:
        raise MalformedMessageError(f'its field "{name}" is missing or of another type')


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_WHOLE
