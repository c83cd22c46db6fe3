"""Words that people and programs write for a missing value."""

from __future__ import annotations

from localensemble.tables.lookalikes import plain_form

# How R, pandas, spreadsheets and people write it.
_WORDS = frozenset(
    {"na", "n/a", "n.a.", "#n/a", "#nv", "<na>", "nan", "null", "(null)", "\\n", "?", "."}
    | {"-", "--", "---", "..", "...", "(blank)", "(empty)", "(leer)", "(none)", "missing"}
    | {"not rated", "not coded", "no rating", "no label", "unrated", "uncoded", "unlabeled"}
    | {"k.a.", "k. a.", "keine angabe", "#null!", "#value!", "#ref!", "#name?", "#div/0!"}
)


def is_missing_word(word: str) -> bool:
    """Tell whether a word stands for a missing value in many tables."""
    return plain_form(word).casefold() in _WORDS
