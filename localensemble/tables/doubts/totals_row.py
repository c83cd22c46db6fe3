"""Refuse a row of totals at the end of a table, which would count as an item."""

from __future__ import annotations

import re
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.tables.doubts.lookalikes import plain_form

_TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sum", "mean", "average", "median", "count"}
    | {"std", "std dev", "std. dev.", "standard deviation"}
    | {"summe", "gesamt", "gesamtsumme", "insgesamt", "mittelwert", "durchschnitt", "anzahl"}
    | {"kappa", "cohen's kappa", "fleiss' kappa", "fleiss kappa", "agreement", "% agreement"}
    | {"percent agreement", "ac1", "icc", "alpha", "krippendorff's alpha", "prevalence", "sd"}
    | {"min", "max", "minimum", "maximum", "\u00fcbereinstimmung", "\u00fcbereinstimmung in %"}
    | {"standardabweichung", "gesamtergebnis", "totaal", "gemiddelde", "accord", "all raters"}
    | {"somme", "total general", "total g\u00e9n\u00e9ral", "moyenne", "suma", "media"}
)
_COUNT = re.compile(r"n ?= ?\d*")


def refuse_totals(path: Path, *, column: str, row: int, cell: str) -> None:
    """Refuse a table whose last row is named like totals, not like an item.

    Args:
        path: the table.
        column: the column with the ids of the items.
        row: number of the last row.
        cell: its id.

    Raises:
        TableError: the id is a word such as "Total" or "Mean", or "n =".
    """
    word = plain_form(cell).casefold().rstrip(" :")
    if word in _TOTALS or _COUNT.fullmatch(word):
        raise TableError(
            f'{path.name}, row {row}, column "{column}": the last row seems to hold totals '
            f'("{word}"), not an item.',
            hint="Remove the row; if it is an item, give it another id.",
        )
