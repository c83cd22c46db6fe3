"""List the spellings in which a model may write an answer.

With and without a leading space, as written, in lower case and capitalized. An answer of one
character is read as written: "a" is also a word. No spelling stands for two answers: where names
differ in case only ("us", "US"), each is read as written. Upper case is not read: it is rare
(decision 0022) and takes several tokens for each word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_SPACES = ("", " ")


@dataclass(frozen=True, slots=True)
class OtherSpelling:
    """A spelling that is not the exact one, and the answer it stands for."""

    text: str
    answer: int


def other_spellings(answers: Sequence[str]) -> tuple[OtherSpelling, ...]:
    """Return the other spellings of all answers.

    Args:
        answers: distinct; a leading space belongs to the exact spelling.
    """
    folded = Counter(answer.strip().casefold() for answer in answers)
    found = [_spellings(answer.strip(), folded) for answer in answers]
    claims = Counter(one for spellings in found for one in spellings)
    return tuple(
        OtherSpelling(one, place)
        for place, spellings in enumerate(found)
        for one in spellings
        if claims[one] == 1 and one not in answers
    )


def _spellings(name: str, folded: Counter[str]) -> tuple[str, ...]:
    cases = [name]
    if len(name) > 1 and folded[name.casefold()] == 1:
        cases += [name.lower(), name.capitalize()]
    # In this order, without repeats.
    return tuple(dict.fromkeys(space + case for case in cases for space in _SPACES))
