"""Find the items of a run whose gold labels trained one of its raters, by their words."""

from __future__ import annotations

from localensemble.core.identity import sha256_text, sha256_words
from localensemble.tables.item_file import ItemFile

_ROWS = 4096


def texts_trained_on(items: ItemFile, *, words: frozenset[str]) -> tuple[str, ...]:
    """Return the hashes of the items' texts with the words of which a rater was trained.

    Args:
        items: the items of the run.
        words: sha256 of the words of each text that trained a rater.
    """
    if not words:
        return ()
    texts = (row.item.text for block in items.blocks(_ROWS) for row in block)
    return tuple(sorted({sha256_text(text) for text in texts if sha256_words(text) in words}))
