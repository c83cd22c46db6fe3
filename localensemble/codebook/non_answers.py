"""Recognize texts that answer nothing, such as "NA", so that no model labels them.

Decides when a text equals a listed one. Refuses nothing, and never looks inside a longer text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from localensemble.codebook.names import fold
from localensemble.core.words import counted
from localensemble.core.words import listed as listed_words

USUAL_NON_ANSWERS = ("NA", "n/a", "-", ".", "...")

_MOST_SHOWN = 5
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


def unlisted_sentences(texts: Mapping[str, int], listed: Iterable[str]) -> tuple[str, ...]:
    """Ask about texts that may answer nothing but are not listed; empty if there are none.

    Args:
        texts: texts such as "None" -> number of items.
        listed: the texts that count as no answer; empty if every text needs a label.
    """
    non_answers = NonAnswers.of(listed)
    found = {text: items for text, items in texts.items() if not non_answers.include(text)}
    if not found or not non_answers.folded:
        return ()
    words = listed_words([f'"{text}"' for text in [*found][:_MOST_SHOWN]])
    return (
        f"{counted(sum(found.values()), 'text')} may answer nothing but will be labeled, such as "
        f"{words}. If so, list these words under `no_answer` in the codebook.",
    )


def _folded(text: str) -> str:
    return "".join(
        "-" if one in _MORE_DASHES or unicodedata.category(one) == "Pd" else one
        for one in fold(text)
    )
