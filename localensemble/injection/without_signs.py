"""Leave out of a text the sentences in which signs of prompt injection are found.

Signs are looked for in a text's plain form, whose characters are not those of the text. So nothing
is traced back: sentences of the text itself are left out until the rest has no sign.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from localensemble.injection.mixed_alphabets import has_mixed, in_latin
from localensemble.injection.plain_form import plain
from localensemble.injection.signs_in_text import InjectionScan
from localensemble.injection.unseen_characters import without_unseen

# After a line, after the end of a sentence, and before a mark that a sentence does not contain.
_SENTENCE_ENDS = re.compile(
    r"(?<=\n)|(?<=[.!?…])(?=[\s<\[{#*|])(?=[^.!?…])|(?<=[。！？])|(?=<\W?\w)|(?=\[/?[A-Z])|(?<=\])(?=\s)"
)
# Within a sentence, for texts that have no others.
_CLAUSE_ENDS = re.compile(r"(?<=[,;)\n])(?=\s)|(?=\()|(?<=\s[-–—])(?=\s)")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_NO_WORD = re.compile(r"[\W_]+")
# Every round leaves out one stretch, which takes a few dozen looks at the text.
_MOST_ROUNDS = 8
_LONGEST = 20_000
# The name of a category is a sign as the last line of a text, but not as the only one.
_BEFORE = "This line stands before it.\n"


def without_signs(text: str, scan: InjectionScan) -> str | None:
    """Return a text without the sentences that have signs, or that only name a category.

    Unseen characters are left out as well, and look-alike letters are replaced. If no other
    sentence is left, only the clauses that have signs are left out.

    Returns:
        The text that is left; None if nothing is left to read, if signs remain in it, or if it
        has more than 20,000 characters.
    """
    if len(text) > _LONGEST:
        return None
    seen = without_unseen(text)
    if has_mixed(seen):
        seen = in_latin(seen)
    names = {_words(name) for one in scan.codebook.variables for name in one.answers}
    names |= {name[::-1] for name in names}
    for ends in (_SENTENCE_ENDS, _CLAUSE_ENDS):
        parts = [one for one in _parts(seen, ends) if _words(one) not in names]
        left = _left(parts, lambda one: bool(scan.signs(one)))
        if left is not None and any(one.isalnum() for one in left):
            return _EMPTY_LINES.sub("\n", left).strip()
    return None


def _words(text: str) -> str:
    return _NO_WORD.sub(" ", plain(text)).strip()


def _parts(text: str, ends: re.Pattern[str]) -> list[str]:
    starts = [0, *(found.start() for found in ends.finditer(text) if found.start() > 0)]
    bounds = sorted({*starts, len(text)})
    return [text[start:stop] for start, stop in itertools.pairwise(bounds)]


def _left(parts: list[str], is_suspect: Callable[[str], bool]) -> str | None:
    """Leave out stretches of parts until no sign is left; None if some are left after all."""
    for _ in range(_MOST_ROUNDS):
        if not is_suspect("".join(parts)):
            return "".join(parts)
        start, stop = _stretch(parts, is_suspect)
        # What stood around it is no sentence together.
        parts = [*parts[:start], "\n", *parts[stop:]]
    return None


def _stretch(parts: Sequence[str], is_suspect: Callable[[str], bool]) -> tuple[int, int]:
    """Return the first stretch that has signs, as short as halving finds it."""
    low, high = 1, len(parts)
    while low < high:
        middle = (low + high) // 2
        if is_suspect("".join(parts[:middle])):
            high = middle
        else:
            low = middle + 1
    stop = high
    low, high = 0, stop - 1
    while low < high:
        middle = (low + high + 1) // 2
        if is_suspect(_BEFORE + "".join(parts[middle:stop])):
            low = middle
        else:
            high = middle - 1
    return low, stop
