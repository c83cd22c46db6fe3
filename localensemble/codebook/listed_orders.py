"""The orders in which prompts list the categories of a variable."""

from __future__ import annotations

from localensemble.codebook.model import Variable

CategoryOrder = tuple[int, ...]
"""The categories in the order in which a prompt lists them, as places in the codebook."""


def category_orders(variable: Variable, *, at_most: int) -> tuple[CategoryOrder, ...]:
    """Choose the orders in which a variable is asked.

    The codebook's order comes first, then the reversed one, then cyclic ones at equal distances.
    No category stands first in two of them, so there are never more orders than categories; with
    as many, each category stands first once. The categories of an ordinal variable keep their
    sequence, so it has two orders at most.
    """
    count = len(variable.categories)
    stated = tuple(range(count))
    most = min(at_most, 2 if variable.level == "ordinal" else count)
    if most == 1:
        return (stated,)
    starts = (round(step * (count - 1) / (most - 1)) for step in range(1, most - 1))
    return (stated, stated[::-1], *(stated[start:] + stated[:start] for start in starts))
