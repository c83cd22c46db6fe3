"""Look phrases up in a vocabulary, and find its terms in texts.

A phrase matches a name exactly; or normalized, if both are the same words once letter case,
punctuation and ways of encoding the same letters are ignored; or fuzzily, if one letter of one
long word is wrong, except its first. So neither "type II" becomes "type I", nor "atypical"
"typical", nor "hypotension" "hypertension". Two concepts with equally good names are both
returned, for a person to choose.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from localensemble.core.spans import JOINERS, Span, Word, is_of_word, words_of
from localensemble.tables.spans.vocabulary_file import VocabularyEntry

MatchKind = Literal["exact", "normalized", "fuzzy"]

# A term of more words than this is still looked up as a phrase, but not found in texts.
_MOST_WORDS = 24
# In shorter words a wrong letter often makes another word, abbreviation or number.
_LEAST_LETTERS = 5
_MINUS_SIGNS = ("-", "\u2212", "\u2010")
_PLAIN_MINUS = str.maketrans(dict.fromkeys(_MINUS_SIGNS, "-"))
_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"[.!?]\s")
_LONGEST_ABBREVIATION = 3
_WITHOUT_JOINERS = str.maketrans("", "", JOINERS)


@dataclass(frozen=True, slots=True)
class VocabularyMatch:
    """What a phrase matches.

    Attributes:
        kind: how it matches.
        entries: the concepts with the best name, in the order of the vocabulary.
    """

    kind: MatchKind
    entries: tuple[VocabularyEntry, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the concepts; more than one if the name is ambiguous."""
        return tuple(dict.fromkeys(entry.id for entry in self.entries))


@dataclass(frozen=True, slots=True)
class FoundTerm:
    """A term found in a text."""

    span: Span
    match: VocabularyMatch


class Vocabulary:
    """The concepts of a vocabulary, indexed by name.

    Args:
        entries: the concepts.
        fuzzy: whether misspelled names match.
        category: the category of concepts that name none.
    """

    def __init__(
        self,
        entries: Sequence[VocabularyEntry],
        *,
        fuzzy: bool = True,
        category: str = "term",
    ) -> None:
        self.entries = tuple(entries)
        self._category = category
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._normalized: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, entry in enumerate(self.entries):
            for name in entry.names:
                _append(self._exact[name], number)
                if words := normalized_words(name):
                    _append(self._normalized[words], number)
        self._longest = min(_MOST_WORDS, max(map(len, self._normalized), default=0))
        self._misspellings = (
            _Misspellings({word for name in self._normalized for word in name}) if fuzzy else None
        )

    def category_of(self, entry: VocabularyEntry) -> str:
        """Return the category of spans that mention a concept."""
        return entry.category or self._category

    def match(self, phrase: str) -> VocabularyMatch | None:
        """Look a phrase up; None if the vocabulary has nothing like it."""
        if numbers := self._exact.get(phrase):
            return VocabularyMatch("exact", self._at(numbers))
        words = normalized_words(phrase)
        return self._match_words(words) if words else None

    def find(self, text: str) -> tuple[FoundTerm, ...]:
        """Find terms in a text: from left to right, the longest first, without overlap."""
        words = _signed_words(text)
        parts = [_normalized(text[word.start : word.stop]) for word in words]
        ends = _sentence_ends(text, words)
        found: list[FoundTerm] = []
        place = 0
        while place < len(words):
            length, match = self._longest_at(parts, place, ends[place])
            if match is None:
                place += 1
                continue
            start, stop = words[place].start, words[place + length - 1].stop
            if numbers := self._exact.get(text[start:stop]):
                match = VocabularyMatch("exact", self._at(numbers))
            for category in dict.fromkeys(map(self.category_of, match.entries)):
                found.append(FoundTerm(Span(start, stop, category), match))
            place += length
        return tuple(found)

    def _longest_at(
        self, parts: Sequence[str], place: int, stop: int
    ) -> tuple[int, VocabularyMatch | None]:
        most = min(self._longest, stop - place)
        for length in range(most, 0, -1):
            words = tuple(parts[place : place + length])
            # A joiner alone is no word of a name.
            if "" not in words and (match := self._match_words(words)) is not None:
                return length, match
        return 0, None

    def _match_words(self, words: tuple[str, ...]) -> VocabularyMatch | None:
        if numbers := self._normalized.get(words):
            return VocabularyMatch("normalized", self._at(numbers))
        if self._misspellings is None:
            return None
        names = [
            (*words[:place], meant, *words[place + 1 :])
            for place, word in enumerate(words)
            for meant in self._misspellings.of(word)
        ]
        found = sorted({number for name in names for number in self._normalized.get(name, ())})
        return VocabularyMatch("fuzzy", self._at(found)) if found else None

    def _at(self, numbers: Sequence[int]) -> tuple[VocabularyEntry, ...]:
        return tuple(self.entries[number] for number in numbers)


def normalized_words(phrase: str) -> tuple[str, ...]:
    """Return the words of a phrase as they are compared; none if it has only punctuation."""
    words = (_normalized(phrase[word.start : word.stop]) for word in _signed_words(phrase))
    return tuple(word for word in words if word)


def _signed_words(text: str) -> list[Word]:
    """Return the words of a text without punctuation, but with a sign that stands at their end.

    "CD4+" is not "CD4-", while the hyphen in "T-cell" only joins.
    """
    found = []
    for word in words_of(text):
        if is_of_word(text[word.start]):
            stop = word.stop
            while text[stop : stop + 1] == "+":
                stop += 1
            if stop == word.stop and text[stop : stop + 1] in _MINUS_SIGNS:
                after = text[stop + 1 : stop + 2]
                stop += not (after and (is_of_word(after) or after in _MINUS_SIGNS))
            found.append(Word(word.start, stop))
    return found


def _sentence_ends(text: str, words: Sequence[Word]) -> list[int]:
    """Return for each word which word is the first of the next sentence or paragraph."""
    ends = [len(words)] * len(words)
    for place in range(len(words) - 2, -1, -1):
        between = text[words[place].stop : words[place + 1].start]
        is_end = _SENTENCE_END.match(between) is not None
        # The point of "E. coli" and "St. John's wort" ends no sentence.
        if between.startswith("."):
            is_long = words[place].stop - words[place].start > _LONGEST_ABBREVIATION
            is_end = is_end and is_long and text[words[place + 1].start].isupper()
        is_end = is_end or _PARAGRAPH_END.search(between) is not None
        ends[place] = place + 1 if is_end else ends[place + 1]
    return ends


def _normalized(word: str) -> str:
    """Fold letter case, compatible forms (NFKC) and joiners."""
    plain = word.translate(_WITHOUT_JOINERS).translate(_PLAIN_MINUS)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())


def _append(numbers: list[int], number: int) -> None:
    if number not in numbers:
        numbers.append(number)


class _Misspellings:
    """The words of a vocabulary, found by words in which one letter is wrong."""

    def __init__(self, words: Collection[str]) -> None:
        self._with_gap: dict[str, list[str]] = defaultdict(list)
        self._longest = max(map(len, words), default=0)
        for word in words:
            for gapped in _with_gaps(word):
                self._with_gap[gapped].append(word)

    def of(self, word: str) -> tuple[str, ...]:
        """Return the words that differ from this one in one letter, or in two swapped ones."""
        # A text can have a "word" of a million letters, of which as many parts would be made.
        if len(word) > self._longest + 1:
            return ()
        near = {other for gapped in _with_gaps(word) for other in self._with_gap.get(gapped, ())}
        return tuple(sorted(one for one in near if _one_letter_apart(word, one)))


def _with_gaps(word: str) -> Iterator[str]:
    """Yield a long word, whole and without each of its letters but the first."""
    if len(word) >= _LEAST_LETTERS and not any(one.isnumeric() for one in word):
        yield word
        yield from {word[:place] + word[place + 1 :] for place in range(1, len(word))}


def _one_letter_apart(one: str, other: str) -> bool:
    """Tell whether one letter is added, missing or replaced, or two neighbors are swapped."""
    if one == other or one[0] != other[0]:
        return False
    start = next(
        (place for place, both in enumerate(zip(one, other, strict=False)) if both[0] != both[1]),
        min(len(one), len(other)),
    )
    if len(one) == len(other):
        swapped = one[start + 1 : start + 2] + one[start]
        return one[start + 1 :] == other[start + 1 :] or (
            swapped == other[start : start + 2] and one[start + 2 :] == other[start + 2 :]
        )
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[start + 1 :] == shorter[start:]
