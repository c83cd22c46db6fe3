"""The letters that hide from an adjudicator who gave which answer."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase

from localensemble.core.random_draw import random_draw


def letters(item_id: str, reviewers: Sequence[int], *, seed: int) -> dict[int, str]:
    """Return the letter under which each reviewer's answer to an item is shown.

    The letters are dealt anew for each item. So an adjudicator cannot learn who A is.

    Raises:
        ValueError: there are more reviewers than letters.
    """
    if len(reviewers) > len(ascii_uppercase):
        raise ValueError(f"{len(reviewers)} reviewers for {len(ascii_uppercase)} letters.")

    def draw(reviewer: int) -> float:
        return random_draw(f"{item_id}\x1f{reviewer}", seed=seed, purpose="double_coding")

    dealt = sorted(set(reviewers), key=draw)
    return dict(zip(dealt, ascii_uppercase, strict=False))
