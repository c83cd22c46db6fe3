"""Cut a text into the pieces that a rater can quote: what stands between punctuation marks.

A rater chooses among pieces and never writes one, so every quote is literally in the text.
"""

from __future__ import annotations

import re
from itertools import pairwise

LONGEST_PIECE = 15
"""Words; a longer piece is cut into parts of about equal length."""

# A point or a comma inside a number ("37.5") or a word ("e.g") ends nothing.
_END = re.compile(
    r"[.,:](?!\w)|[;!?()\[\]{}\"\u201c\u201d\u00ab\u00bb\u2026\n\r]|\s[-\u2013\u2014]+\s"
)
_WORD = re.compile(r"\S+")
_LETTER = re.compile(r"\w")

Place = tuple[int, int]
"""Start and stop of a part of a text, in code points."""


def text_pieces(text: str) -> tuple[Place, ...]:
    """Return where the pieces of a text stand, in order; a piece has a letter or a digit."""
    pieces: list[Place] = []
    start = 0
    for end in [*_END.finditer(text), None]:
        stop = len(text) if end is None else end.start()
        pieces += _parts(text, start, stop)
        start = len(text) if end is None else end.end()
    return tuple(pieces)


def _parts(text: str, start: int, stop: int) -> list[Place]:
    words = [word.span() for word in _WORD.finditer(text, start, stop)]
    if not words or not _LETTER.search(text, start, stop):
        return []
    parts = -(-len(words) // LONGEST_PIECE)
    cuts = [round(part * len(words) / parts) for part in range(parts + 1)]
    return [(words[a][0], words[b - 1][1]) for a, b in pairwise(cuts)]
