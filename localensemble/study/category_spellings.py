"""Find the category that a spelling means: one rule for ratings, gold labels and decisions.

A spelling means a declared category if it is that category, or if only one category is the same
apart from how a sign is drawn, letter case, a full stop at the end, or the ``.0`` that a
spreadsheet adds to a number. Every spelling that was not exact is named in a message. Where no
category is declared, only spellings that differ in how a sign is drawn are joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from localensemble.tables.doubts.lookalikes import has_invisible, loose_form, plain_form, shown

_MOST_SHOWN = 12
_NUMBER = re.compile(r"[+-]?[\d.]+([eE][+-]?\d+)?")
_WHOLE = re.compile(r"([+-]?\d+)\.0+")


def category_meant(word: str, categories: Sequence[str]) -> str | None:
    """Return the declared category that a spelling means; None if none or several could be."""
    if word in categories:
        return word
    for form in _FORMS:
        wanted = form(word)
        found = [name for name in categories if form(name) == wanted]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def joined_spellings(words: Sequence[str]) -> Mapping[str, str]:
    """Map spellings that differ only in how a sign is drawn to the plainest of them."""
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(plain_form(word), []).append(word)
    chosen = {plain: _plainest(plain, spellings) for plain, spellings in groups.items()}
    meant = {word: chosen[plain_form(word)] for word in words}
    return {word: name for word, name in meant.items() if word != name}


def spelling_messages(meant: Mapping[str, str], *, where: str) -> tuple[str, ...]:
    """State which spellings were read as another label; empty if none were."""
    if not meant:
        return ()
    pairs = [f"{shown(word)} as {shown(name)}" for word, name in [*meant.items()][:_MOST_SHOWN]]
    more = f" and {len(meant) - len(pairs):,} more" if len(meant) > len(pairs) else ""
    return (f"{where}: read labels written in several ways as one: {', '.join(pairs)}{more}.",)


def _plainest(plain: str, spellings: Sequence[str]) -> str:
    visible = [word for word in spellings if not has_invisible(word)]
    if plain in visible or not visible or _NUMBER.fullmatch(plain):
        return plain
    # The order of the rows must not matter.
    return min(visible)


def _whole(word: str) -> str:
    return _WHOLE.sub(r"\1", plain_form(word))


_FORMS: tuple[Callable[[str], str], ...] = (plain_form, _whole, loose_form)
