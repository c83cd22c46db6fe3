"""Spans as values: passages of a text, with their place and category.

Places count code points, as Python's ``str`` does: "é" in one code point is one, an emoji is one,
and a letter with a combining accent is two. `in_code_points` converts places of programs that count
bytes or UTF-16 units. A span never holds text.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, get_args

from localensemble.core.labels import ItemId

PlaceCount = Literal["code-points", "utf-16", "bytes"]
"""What the places of a table count."""

JOINERS = "\u00ad\u200c\u200d"
"""Characters that stand invisibly inside words: the soft hyphen, and two joiners."""

PLACE_COUNTS: tuple[PlaceCount, ...] = get_args(PlaceCount)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A passage of a text.

    Attributes:
        start: place of its first code point; the text begins at 0.
        stop: place after its last code point, so that ``text[start:stop]`` is the passage.
        category: what the passage mentions.

    Raises:
        ValueError: the span is empty or begins before the text.
    """

    start: int
    stop: int
    category: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"A span runs from {self.start} to {self.stop}.")

    def overlaps(self, other: Span) -> bool:
        """Tell whether both spans contain a common code point."""
        return self.start < other.stop and other.start < self.stop


@dataclass(frozen=True, slots=True)
class SpanMatrix:
    """The spans that R raters found in N items.

    Attributes:
        items: the N item ids.
        raters: the R names.
        cells: for each item and rater the spans in order, each once; empty if the rater read
            the item and found nothing, None if it did not read it.

    Raises:
        ValueError: a row has more or fewer cells than there are raters.
    """

    items: tuple[ItemId, ...]
    raters: tuple[str, ...]
    cells: tuple[tuple[tuple[Span, ...] | None, ...], ...]

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.items):
            raise ValueError(f"{len(self.cells)} rows of spans for {len(self.items)} items.")
        for row in self.cells:
            if len(row) != len(self.raters):
                raise ValueError(f"A row has {len(row)} cells for {len(self.raters)} raters.")

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that occur, by name."""
        return tuple(
            sorted({span.category for row in self.cells for cell in row for span in cell or ()})
        )


@dataclass(frozen=True, slots=True)
class Word:
    """Where a word of a text stands; a mark of punctuation counts as a word of its own."""

    start: int
    stop: int


def words_of(text: str) -> tuple[Word, ...]:
    """Return the words of a text in order: runs of letters, digits and combining marks.

    Every other visible character is a word of its own; white space belongs to none.
    """
    found: list[Word] = []
    start = None
    for place, character in enumerate(text):
        if is_of_word(character):
            start = place if start is None else start
            continue
        if start is not None:
            found.append(Word(start, place))
            start = None
        if not character.isspace():
            found.append(Word(place, place + 1))
    if start is not None:
        found.append(Word(start, len(text)))
    return tuple(found)


def is_of_word(character: str) -> bool:
    """Tell whether a character belongs to a word: a letter, a digit, a mark on one, or a joiner."""
    # Vowel signs of Devanagari and other scripts are marks, which `isalnum` does not know.
    return (
        character.isalnum()
        or unicodedata.category(character).startswith("M")
        or character in JOINERS
    )


_SIZES: dict[PlaceCount, Callable[[str], int]] = {
    "utf-16": lambda character: 2 if ord(character) > 0xFFFF else 1,
    "bytes": lambda character: len(character.encode("utf-8", "surrogatepass")),
}


def in_code_points(
    text: str, places: Sequence[int], counted_in: PlaceCount
) -> tuple[int | None, ...]:
    """Convert places of another program to code points.

    Args:
        text: the whole text.
        places: places in it, counted in ``counted_in``.
        counted_in: what they count.

    Returns:
        One place for each; None for one inside a character or beyond the text.
    """
    if counted_in == "code-points":
        return tuple(place if 0 <= place <= len(text) else None for place in places)
    ends = [0, *accumulate(map(_SIZES[counted_in], text))]
    found = [bisect_left(ends, place) for place in places]
    return tuple(
        index if index < len(ends) and ends[index] == place else None
        for index, place in zip(found, places, strict=True)
    )
