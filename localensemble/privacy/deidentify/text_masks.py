"""Which parts of a text are taken, and what stands for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FoundIdentifier:
    """Where an identifier is in a text, and the name of its kind, such as ``DATE``."""

    start: int
    stop: int
    kind: str


class TextMask:
    """Collects what was found in one text; whatever is found first keeps its place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._taken = bytearray(len(text))
        self._found: list[FoundIdentifier] = []

    def take(self, start: int, stop: int, kind: str) -> None:
        """Take what is still free of this part of the text."""
        for begin, end in self._free(start, stop):
            self._taken[begin:end] = b"\1" * (end - begin)
            self._found.append(FoundIdentifier(begin, end, kind))

    def left(self) -> Iterator[tuple[int, str]]:
        """Yield each part of the text that is free: where it begins, and its content."""
        for begin, end in self._free(0, len(self._text)):
            yield begin, self._text[begin:end]

    def found(self) -> tuple[FoundIdentifier, ...]:
        """Return what was taken, in the order of the text."""
        return tuple(sorted(self._found, key=lambda one: one.start))

    def _free(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        at = start
        while at < stop:
            begin = self._taken.find(0, at, stop)
            if begin < 0:
                return
            end = self._taken.find(1, begin, stop)
            at = stop if end < 0 else end
            # A part of white space identifies nobody.
            if not self._text[begin:at].isspace():
                yield begin, at


def with_placeholders(text: str, found: Sequence[FoundIdentifier]) -> str:
    """Return the text with the kind in brackets for every identifier."""
    parts, at = [], 0
    for one in found:
        parts += [text[at : one.start], f"[{one.kind}]"]
        at = one.stop
    return "".join((*parts, text[at:]))
