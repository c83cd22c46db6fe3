"""Choose how numbers that the program adds to a table are written.

A spreadsheet reads a number by the rules of its own language: a German one reads 0.125 as 125,
and an English one reads 0,125 as 125. Decides from the numbers of a table which mark its owner
uses, and writes numbers so that LibreOffice with the other mark shows text, not another number.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Literal

DecimalMark = Literal[".", ","]

_ROWS_SEEN = 1000
_DECIMALS = 6
_NUMBER = re.compile(r"[+-]?\d+(?:(?P<mark>[.,])\d+(?:[eE][+-]?\d+)?)?")
# Between thousands stands the other mark: 1.234,5 and 1,234.5.
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?:\.\d{3})+(?P<comma>,)\d+|(?:,\d{3})+(?P<point>\.)\d+)")
# 1,234 may be a thousand or a number with three decimals; 0,234 is a number with three.
_UNCLEAR = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")


def decimal_mark(rows: Iterable[Sequence[str]], *, delimiter: str) -> DecimalMark:
    """Return the decimal mark of a table: that of its columns of numbers, else of its delimiter.

    Programs write semicolons between cells where the comma is the decimal mark.

    Args:
        rows: the rows below the header; the first 1,000 are looked at.
        delimiter: the delimiter of the table.
    """
    marks: dict[int, set[str]] = {}
    texts: set[int] = set()
    for cells in itertools.islice(rows, _ROWS_SEEN):
        for place, cell in enumerate(cells):
            if place in texts or not (number := cell.strip()):
                continue
            mark = _mark(number)
            if mark is None:
                texts.add(place)
            else:
                marks.setdefault(place, set()).add(mark)
    found = {mark for place, used in marks.items() if place not in texts for mark in used if mark}
    if found == {","}:
        return ","
    if found == {"."}:
        return "."
    return "," if delimiter == ";" else "."


def number_text(value: float | None, *, mark: DecimalMark) -> str:
    """Write a number with up to six decimals and no exponent; None as an empty cell.

    Never with exactly three decimals, because spreadsheets take three digits for thousands if
    the mark is not theirs: a fourth is added.
    """
    if value is None:
        return ""
    whole, _, decimals = f"{value:.{_DECIMALS}f}".partition(".")
    decimals = decimals.rstrip("0")
    if not decimals:
        return "0" if whole == "-0" else whole
    return f"{whole}{mark}{decimals}{'0' if len(decimals) == 3 else ''}"


def _mark(number: str) -> str | None:
    """Return the decimal mark of a number, "" if it shows none, None if it is not a number."""
    if grouped := _GROUPED.fullmatch(number):
        return grouped["comma"] or grouped["point"]
    plain = _NUMBER.fullmatch(number)
    if plain is None:
        return None
    return "" if _UNCLEAR.fullmatch(number) else plain["mark"] or ""
