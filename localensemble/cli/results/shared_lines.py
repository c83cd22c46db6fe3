"""Print a sentence that holds for several variables once, with their names before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from localensemble.core.words import listed

_MOST_NAMED = 4


def together(named: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """Put the names before each sentence that holds for them; each sentence comes once."""
    whose: dict[str, list[str]] = {}
    for name, sentences in named:
        for sentence in sentences:
            whose.setdefault(sentence, []).append(name)
    return tuple(f"{some(names)}: {sentence}" for sentence, names in whose.items())


def some(names: Sequence[str]) -> str:
    """List names for a sentence, at most four of them."""
    shown = names[:_MOST_NAMED]
    rest = len(names) - len(shown)
    return listed([*shown, f"{rest:,} more"] if rest else shown)
