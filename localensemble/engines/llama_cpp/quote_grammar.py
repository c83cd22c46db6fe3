"""Which tokens may follow in a response that quotes passages of a text, and nothing else.

The response is ``none``, or lines such as ``Drug: ibuprofen`` in the order of the text. A passage
begins where a word begins, ends where one or a bracket ends, and comes after the one before it. So
every response is literally in the text, at a place that is known, and ends. Everything is compared
as bytes, because a token can be a part of a character.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from localensemble.core.spans import is_of_word, words_of

NOTHING = "none"
"""The response about a text without a passage to quote."""

BETWEEN = ": "
"""What stands between the name of a category and a passage."""

_LINE_END = b"\n"
# No vocabulary has longer tokens that would matter; they spell the same in parts.
_LONGEST_PIECE = 32


@dataclass(frozen=True, slots=True)
class _Thread:
    """One way to understand what a line has so far.

    Attributes:
        category: the category that the line is about; -1 for `NOTHING`.
        place: how much of the beginning of the line is there, in bytes.
        start: where the passage starts in the text, in bytes; -1 before it.
        stop: where it ends so far.
    """

    category: int
    place: int
    start: int = -1
    stop: int = -1


@dataclass(frozen=True, slots=True)
class QuotedPlace:
    """A passage quoted in a response, in code points of the text."""

    category: int
    start: int
    stop: int


class PieceIndex:
    """The tokens of a vocabulary by what they spell."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._tokens: dict[bytes, list[int]] = defaultdict(list)
        for token, piece in enumerate(pieces):
            if 0 < len(piece) <= _LONGEST_PIECE:
                self._tokens[piece].append(token)
        self.longest = max(map(len, self._tokens), default=0)

    def tokens(self, piece: bytes) -> Sequence[int]:
        """Return the tokens that spell these bytes."""
        return self._tokens.get(piece, ())


class QuoteGrammar:
    """What a response may go on with; it follows one response as it grows.

    Args:
        text: the text that may be quoted.
        categories: the names of the categories.
        pieces: the tokens of the vocabulary.
    """

    def __init__(self, text: str, *, categories: Sequence[str], pieces: PieceIndex) -> None:
        self._text = text.encode()
        places = [0, *accumulate(len(character.encode()) for character in text)]
        words = words_of(text)
        self._starts = tuple(places[word.start] for word in words if is_of_word(text[word.start]))
        self._stops = frozenset(places[word.stop] for word in words if _may_close(text[word.start]))
        self._code_points = {place: number for number, place in enumerate(places)}
        self._beginnings = [f"{name}{BETWEEN}".encode() for name in categories]
        self._nothing = NOTHING.encode()
        self._pieces = pieces
        self._after = 0
        self._threads = self._line_begins()
        self._next: dict[int, bytes] = {}
        self.quoted: list[QuotedPlace] = []

    def allowed(self) -> Mapping[int, bytes]:
        """Return the tokens that may follow, and what each spells."""
        self._next = {
            token: spelled
            for spelled in self._spellings(b"", self._threads)
            for token in self._pieces.tokens(spelled)
        }
        return self._next

    @property
    def may_end(self) -> bool:
        """Whether the response may end here."""
        if not self._threads or self._is_line_begin:
            return bool(self.quoted) or not self._threads
        return any(map(self._is_complete, self._threads))

    def take(self, token: int) -> QuotedPlace | None:
        """Go on with one of the allowed tokens; return a passage if it completes one."""
        spelled = self._next[token]
        completes = spelled.endswith(_LINE_END)
        self._threads = self._advanced(self._threads, spelled.removesuffix(_LINE_END))
        return self.end() if completes else None

    def end(self) -> QuotedPlace | None:
        """End the line; return the passage that it quotes, if it is complete."""
        complete = [one for one in self._threads if one.start >= 0 and self._is_complete(one)]
        if not complete:
            return None
        # The same words may stand in several places; the first after the last line counts.
        first = min(complete, key=lambda one: one.start)
        quoted = QuotedPlace(
            first.category, self._code_points[first.start], self._code_points[first.stop]
        )
        self.quoted.append(quoted)
        self._after = first.stop
        self._threads = self._line_begins()
        return quoted

    @property
    def _is_line_begin(self) -> bool:
        return all(one.place == 0 for one in self._threads)

    def _line_begins(self) -> tuple[_Thread, ...]:
        found = []
        if any(start >= self._after for start in self._starts):
            found = [_Thread(number, 0) for number in range(len(self._beginnings))]
        if self._after == 0:
            found.append(_Thread(-1, 0))
        return tuple(found)

    def _is_complete(self, thread: _Thread) -> bool:
        if thread.category < 0:
            return thread.place == len(self._nothing)
        return thread.stop > thread.start >= 0 and thread.stop in self._stops

    def _following(self, thread: _Thread) -> Iterator[tuple[int, _Thread]]:
        """Yield each byte that may follow, and where it leads."""
        if thread.category < 0:
            if thread.place < len(self._nothing):
                yield self._nothing[thread.place], _Thread(-1, thread.place + 1)
            return
        beginning = self._beginnings[thread.category]
        if thread.place < len(beginning):
            yield beginning[thread.place], _Thread(thread.category, thread.place + 1)
        elif thread.start < 0:
            for start in self._starts:
                if start >= self._after:
                    yield (
                        self._text[start],
                        _Thread(thread.category, thread.place, start, start + 1),
                    )
        elif thread.stop < len(self._text) and self._text[thread.stop] != _LINE_END[0]:
            yield (
                self._text[thread.stop],
                _Thread(thread.category, thread.place, thread.start, thread.stop + 1),
            )

    def _spellings(self, spelled: bytes, threads: Sequence[_Thread]) -> Iterator[bytes]:
        """Yield everything that a token could spell, from the shortest."""
        pending = [(spelled, tuple(threads))]
        while pending:
            spelled, threads = pending.pop()
            if spelled:
                yield spelled
            if len(spelled) >= self._pieces.longest:
                continue
            following: dict[int, list[_Thread]] = defaultdict(list)
            for thread in threads:
                for byte, after in self._following(thread):
                    following[byte].append(after)
                if thread.start >= 0 and self._is_complete(thread):
                    yield spelled + _LINE_END
            for byte, after_it in following.items():
                pending.append((spelled + bytes([byte]), tuple(after_it)))

    def _advanced(self, threads: Sequence[_Thread], spelled: bytes) -> tuple[_Thread, ...]:
        for byte in spelled:
            threads = [
                after
                for thread in threads
                for following, after in self._following(thread)
                if following == byte
            ]
        return tuple(threads)


def _may_close(character: str) -> bool:
    """Tell whether a passage may end with a word, or a mark, that begins with this character."""
    closes = unicodedata.category(character) in {"Pe", "Pf"}
    return is_of_word(character) or closes or character in "%+"
