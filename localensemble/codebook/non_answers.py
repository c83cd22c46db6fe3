"""Recognize texts that answer nothing, such as "NA", so that no model labels them.

Decides when a text equals a listed one. Refuses nothing, and never looks inside a longer text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from localensemble.codebook.names import fold

USUAL_NON_ANSWERS = ("NA", "n/a", "-", ".", "...")

# The minus sign and the hyphen bullet look like dashes but belong to other Unicode categories.
_MORE_DASHES = "\u2212\u2043"


@dataclass(frozen=True, slots=True)
class NonAnswers:
    """The texts that count as no answer, in folded form; without any, no text does."""

    folded: frozenset[str] = frozenset()

    @classmethod
    def of(cls, listed: Iterable[str]) -> NonAnswers:
        """Fold the texts that a codebook lists."""
        return cls(frozenset(map(_folded, listed)))

    def include(self, text: str) -> bool:
        """Tell whether a text is one of them, apart from case, outer space and kind of dash."""
        return bool(self.folded) and _folded(text) in self.folded


def _folded(text: str) -> str:
    return "".join(
        "-" if one in _MORE_DASHES or unicodedata.category(one) == "Pd" else one
        for one in fold(text)
    )
