"""Keep the phrases of a model that its text has, and find where they stand.

A model that writes phrases can invent them. A phrase is kept if more than half of its words occur
in the text, as in Qiu et al. (2025), arXiv 2501.08413; what is kept of it is the stretch of the
text that it stands for, so that no invented word is shown.
"""

from __future__ import annotations

import re

from localensemble.strategies.relevancy.text_pieces import Place

_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
# Longest first. A word keeps at least three letters.
_ENDINGS = ("ingly", "edly", "ies", "ing", "ed", "es", "ly", "s")
_LEAST = 3


def word_stem(word: str) -> str:
    """Return a word in lower case without a usual English ending."""
    word = word.lower()
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST:
            return word[: -len(ending)]
    return word


def is_in_text(phrase: str, text: str) -> bool:
    """Tell whether more than half of a phrase's words occur in a text, in any form."""
    stems = [word_stem(word) for word in _WORD.findall(phrase)]
    source = " ".join(word_stem(word) for word in _WORD.findall(text))
    return 2 * sum(stem in source for stem in stems) > len(stems)


def place_of(phrase: str, text: str) -> Place | None:
    """Return the stretch of a text that a phrase stands for; None if it is not in the text.

    The literal phrase if the text has it, in any case; else the shortest stretch with as many of
    its words as any stretch of about its length has.
    """
    literal = re.search(r"\s+".join(map(re.escape, phrase.split())), text, re.IGNORECASE)
    if literal is not None and _WORD.search(phrase):
        return literal.span()
    if not is_in_text(phrase, text):
        return None
    wanted = {word_stem(word) for word in _WORD.findall(phrase)}
    words = [(word_stem(word[0]), word.span()) for word in _WORD.finditer(text)]
    found = [(i, stem) for i, (stem, _) in enumerate(words) if stem in wanted]
    best: tuple[int, int, int, int] | None = None
    # Twice its length leaves room for words that the model left out.
    reach = 2 * len(_WORD.findall(phrase))
    for first, (i, _) in enumerate(found):
        seen: set[str] = set()
        for place in range(first, len(found)):
            j, stem = found[place]
            if j - i >= reach:
                break
            seen.add(stem)
            key = (-len(seen), j - i, i, j)
            best = key if best is None or key < best else best
    if best is None:
        return None
    return words[best[2]][1][0], words[best[3]][1][1]
