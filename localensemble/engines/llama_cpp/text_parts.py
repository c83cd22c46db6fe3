"""Cut a long text into parts that an encoder can take, between words where that is possible."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

# A word with the spaces before it, so that the parts together are the whole text.
_WORD = re.compile(r"\s*\S+")


def parts_of(text: str, *, count: Callable[[str], int], most: int) -> tuple[str, ...]:
    """Cut a text into as few parts as a reading from left to right gives.

    Args:
        count: returns how many tokens a text has. The parts of a text may not have fewer tokens
            than the text.
        most: the most tokens of a part, at least 1.

    Returns:
        The parts in order; one part, the text itself, if it has no more tokens than that.
    """
    if count(text) <= most:
        return (text,)
    parts = [""]
    tokens = 0
    for piece in _pieces(text, count, most):
        needed = count(piece)
        if parts[-1] and tokens + needed > most:
            parts.append("")
            tokens = 0
        parts[-1] += piece
        tokens += needed
    return tuple(parts)


def _pieces(text: str, count: Callable[[str], int], most: int) -> Iterator[str]:
    """Yield the words of a text; halves of a word that is too long by itself."""
    for found in _WORD.finditer(text):
        yield from _halved(found[0], count, most)


def _halved(word: str, count: Callable[[str], int], most: int) -> Iterator[str]:
    if len(word) == 1 or count(word) <= most:
        yield word
        return
    middle = len(word) // 2
    yield from _halved(word[:middle], count, most)
    yield from _halved(word[middle:], count, most)
