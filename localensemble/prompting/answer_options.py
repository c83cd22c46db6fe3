"""Choose the options that stand in front of categories in a prompt and serve as answers.

Letters, or numbers if there are too many categories or if categories are letters themselves;
no option equals the name of a category. The letter I is left out: it begins sentences such as
"I think", which would count for its category.
"""

from __future__ import annotations

import string
from collections.abc import Sequence

_LETTERS = string.ascii_uppercase.replace("I", "")


def options_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return one option for each category, in order."""
    if len(names) <= len(_LETTERS) and not any(_is_letter(name) for name in names):
        return tuple(_LETTERS[: len(names)])
    numbers = [str(number) for number in range(1, len(names) + 1)]
    if not any(_is_number(name) for name in names):
        return tuple(numbers)
    taken = {name.casefold() for name in names}
    mark = "C"
    while not taken.isdisjoint(f"{mark}{number}".casefold() for number in numbers):
        mark += "C"
    return tuple(mark + number for number in numbers)


def _is_letter(name: str) -> bool:
    return len(name.strip()) == 1 and name.strip().isalpha()


def _is_number(name: str) -> bool:
    return name.strip().lstrip("+-").replace(".", "", 1).replace(",", "", 1).isdigit()
