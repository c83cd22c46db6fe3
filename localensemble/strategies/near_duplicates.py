"""Tell texts that are copies of each other, or nearly so, by the words they share.

Case, punctuation, white space, word order and repetitions do not matter.
"""

from __future__ import annotations

import unicodedata

from localensemble.core.identity import words_in

NEAR = 0.8
"""Two texts are near duplicates if at least this share of their different words is in both."""


def words_of(text: str) -> frozenset[str]:
    """Return the different words of a text, without case; the text itself if it has none."""
    found = frozenset(words_in(text))
    return found or frozenset({unicodedata.normalize("NFKC", text).casefold().strip()})


def are_near_duplicates(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two texts, given as their words, are copies or nearly so."""
    # The sizes alone rule out most pairs.
    smaller, larger = sorted((len(one), len(other)))
    if smaller < NEAR * larger:
        return False
    shared = len(one & other)
    return shared >= NEAR * (len(one) + len(other) - shared)
