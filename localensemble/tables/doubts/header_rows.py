"""Recognize rows below the header that belong to the header.

Survey programs write more than one: Qualtrics the question texts and a row of ImportId,
SurveyMonkey a row of "Response". Decides what is certain enough to skip; the reader of the table
reports it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from localensemble.core.foreign_json import read_json

MOST_HEADER_ROWS = 4
"""How many rows below the header are looked at."""

_LEAST_OTHER_IDS = 4
_SURVEY_WORDS = frozenset({"response", "openendedresponse", "otherpleasespecify"})


def more_header_rows(columns: Sequence[str], first_rows: Sequence[Sequence[str]]) -> int:
    """Count the rows below the header that certainly belong to it.

    Args:
        columns: the names from the header.
        first_rows: the first rows below it, each with one cell per column.
    """
    rows = [[cell.strip() for cell in cells] for cells in first_rows[:MOST_HEADER_ROWS]]
    imported = [number for number, cells in enumerate(rows, start=1) if _import_ids(cells)]
    if imported:
        return imported[-1]
    count = 0
    for cells in rows:
        if not (_repeats_names(columns, cells) or _survey_row(cells)):
            break
        count += 1
    return count


def header_rows_message(count: int) -> tuple[str, ...]:
    """Return the sentence that reports skipped rows; empty if there are none."""
    if not count:
        return ()
    what = "1 more header row" if count == 1 else f"{count} more header rows"
    return (f"Found {what} below the column names and left {'it' if count == 1 else 'them'} out.",)


def may_be_header(ids: Sequence[str]) -> bool:
    """Tell whether only the first of several ids has no digit, as the id of a header row."""
    first, others = ids[0], ids[1:]
    return (
        len(others) >= _LEAST_OTHER_IDS and not _has_digit(first) and all(map(_has_digit, others))
    )


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _import_ids(cells: Sequence[str]) -> bool:
    """Tell whether all cells are import ids of Qualtrics: ``{"ImportId":"QID7"}``."""
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(map(_is_import_id, filled))


def _is_import_id(cell: str) -> bool:
    if "ImportId" not in cell:
        return False
    try:
        # Some programs rewrite the quotes.
        found = read_json(re.sub("['\u2018\u2019\u201c\u201d]", '"', cell))
    except ValueError:
        return False
    return isinstance(found, dict) and "ImportId" in found


def _repeats_names(columns: Sequence[str], cells: Sequence[str]) -> bool:
    filled = [(name, cell) for name, cell in zip(columns, cells, strict=False) if cell]
    return len(filled) > 1 and all(_plain(name) == _plain(cell) for name, cell in filled)


def _survey_row(cells: Sequence[str]) -> bool:
    """Tell whether a row holds only the words of SurveyMonkey, beside blank ids and dates."""
    filled = [cell for cell in cells if cell]
    return 0 < len(filled) < len(cells) and all(_plain(cell) in _SURVEY_WORDS for cell in filled)


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
