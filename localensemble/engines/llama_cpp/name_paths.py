"""Find the token paths that lead from one name to a longer name that begins with it.

Decides which responses name the longer one of two categories such as "1" and "10" or "Staff" and
"Staffing". What the tokens spell is decisive: the tokens of the longer name need not begin with
those of the shorter.

From the shorter name, a response is followed along the tokens that the tokenizer writes for the
rest of the longer one. At each step, every token counts that completes the longer name or goes
beyond it ("ing", "ings"). Other ways of several tokens ("i", "ng"), which the tokenizer would not
write, are not followed: such a response counts for the shorter name. Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NamePath:
    """Tokens that begin a response, and the answer that the response then counts for."""

    tokens: Tokens
    answer: int


def name_paths(
    names: Sequence[str],
    tokens: Sequence[Tokens],
    *,
    tokenize: Callable[[str], Tokens],
    pieces: Callable[[], Sequence[bytes]],
) -> tuple[NamePath, ...]:
    """Return the paths from each name to the longer ones, without the tokens of the names.

    Args:
        names: distinct, none of them empty.
        tokens: the tokens of each name.
        tokenize: splits text that follows other text into tokens.
        pieces: returns what each token of the vocabulary spells, or nothing for a token that
            never occurs in text. Called only if a name begins another.
    """
    spellings = [name.encode() for name in names]
    own = set(tokens)
    found: dict[Tokens, int] = {}
    for shorter, longer in _beginnings(names):
        begun = tokens[shorter]
        rest = names[longer][len(names[shorter]) :]
        way = tokens[longer][len(begun) :]
        if tokens[longer][: len(begun)] != begun:
            way = tokenize(rest)
        for path, spelled in _completions(way, rest.encode(), pieces()):
            text = spellings[shorter] + spelled
            named = (one for one in range(len(names)) if text.startswith(spellings[one]))
            if begun + path not in own:
                found[begun + path] = max(named, key=lambda one: len(spellings[one]))
    return tuple(NamePath(path, answer) for path, answer in found.items())


def _beginnings(names: Sequence[str]) -> Iterator[tuple[int, int]]:
    """List each name with each longer one that begins with it."""
    for shorter, name in enumerate(names):
        for longer, other in enumerate(names):
            if len(other) > len(name) and other.startswith(name):
                yield shorter, longer


def _completions(
    way: Tokens, rest: bytes, pieces: Sequence[bytes]
) -> Iterator[tuple[Tokens, bytes]]:
    """List the paths whose last token completes the rest or goes beyond it."""
    spelled = b""
    for step, token in enumerate(way):
        if not rest.startswith(spelled) or spelled == rest:
            return
        missing = rest[len(spelled) :]
        for last, piece in enumerate(pieces):
            if piece.startswith(missing):
                yield (*way[:step], last), spelled + piece
        spelled += pieces[token]
