"""Refuse labels whose coefficients would need more memory or time than a computer has.

Memory grows with items x categories and with categories x categories; ordinal alpha also counts
every two categories on every item. Items with the same labels are counted once.
"""

from __future__ import annotations

import math

from localensemble.agreement.prepared import PreparedMatrix
from localensemble.agreement.result import AgreementError

MOST_CATEGORIES = 4_000
"""A table of weights takes 128 MB at this number of categories; several are held at once."""
MOST_COUNTS = 100_000_000
"""Distinct items x categories: 0.8 GB for one copy."""
MOST_PAIR_COUNTS = 200_000_000
"""Distinct items x pairs of categories, for alpha at the ordinal level: some minutes."""

_HINT = (
    "So many categories usually come from several labels in one cell (measure each on its own with "
    "--split-labels), from free text, or from numbers with many digits (round them)."
)


def refuse_too_large(prepared: PreparedMatrix, *, ordinal_alpha: bool = False) -> None:
    """Refuse before anything is computed, with the numbers and the next step.

    Raises:
        AgreementError: the labels have too many categories, or too many for so many items.
    """
    categories = prepared.category_count
    if categories > MOST_CATEGORIES:
        raise AgreementError(
            f"Cannot measure agreement on {categories:,} categories; at most {MOST_CATEGORIES:,} "
            "fit in memory.",
            hint=_HINT,
        )
    # Each rater gives one of the categories or none, and the order of raters does not count.
    distinct = min(prepared.item_count, math.comb(len(prepared.raters) + categories, categories))
    pairs = categories * (categories - 1) // 2
    for needed, most, of in (
        (distinct * categories, MOST_COUNTS, f"{categories:,} categories"),
        (
            distinct * pairs if ordinal_alpha else 0,
            MOST_PAIR_COUNTS,
            f"{pairs:,} pairs of categories, which ordinal alpha needs,",
        ),
    ):
        if needed > most:
            raise AgreementError(
                f"Cannot measure agreement: {distinct:,} different items x {of} make {needed:,} "
                f"counts; at most {most:,} fit in memory.",
                hint=_HINT,
            )
