"""Refuse labels that a spreadsheet made of others, and a second header row among the labels.

Both look like categories and give a believable wrong agreement. Declared categories are never
doubted, so whoever calls this asks only about labels that no codebook names.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np

from localensemble.core.errors import TableError
from localensemble.tables.doubts.header_rows import may_be_header
from localensemble.tables.ratings import GroupLabels, VariableRatings

_MONTH = (
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|mrz|mär|mai|okt|dez|janv|févr|avr|juin"
    r"|juil|août|déc|ene|abr|ago|dic|mei|mrt|maa|mag|giu|lug|ott|fév|avril|mars)\.?"
)
# 1-2 becomes 2-Jan, 02. Jan or a date with a time, which depends on the language and the program.
_DATE = re.compile(
    rf"\d{{1,2}}\.?[-./ ]{_MONTH}([-./ ]\d{{2,4}})?|{_MONTH}(-\d|[-./ ]\d{{2,4}})"
    r"|\d{1,2}([./-])\d{1,2}\5\d{4}|\d{1,2}/\d{1,2}/\d{2}"
    r"|\d\d:\d\d:\d\d|\d{4}([/.])\d\d?\6\d\d?|\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?",
    re.IGNORECASE,
)
# How a spreadsheet stores a date of our time: the days since 1900.
_DAYS = re.compile(r"[3-5]\d{4}")
_RANGE = re.compile(r"\d{1,2}[-/]\d{1,2}")
_LEAST_OTHER_ROWS = 4
_LEAST_ROWS_WITHOUT_SIGN = 8
# Beside few other categories, one that only the first item has is unusual.
_FEW_CATEGORIES = 3


def refuse_doubtful_labels(labels: VariableRatings, *, where: str) -> None:
    """Refuse labels that may be dates by accident, and a first row that may be a header.

    Args:
        labels: of one variable, whose categories are not declared.
        where: the table and the variable, for the message.

    Raises:
        TableError: the message names the rows.
    """
    dates = [word for word in labels.words if _DATE.fullmatch(word)]
    if any(map(_RANGE.fullmatch, labels.words)):
        dates += [word for word in labels.words if _DAYS.fullmatch(word)]
    if dates:
        raise TableError(
            f"{where}: the label is a date in {labels.rows_with(dates)}; a spreadsheet makes dates "
            "of labels such as 1-2, and what was typed is lost.",
            hint="Format the column as text and type these labels again; if they are dates, name "
            "all categories with `--categories`.",
        )
    if any(_first_row_is_doubtful(labels, group) for group in labels.groups):
        raise TableError(
            f"{where}: row 1 may belong to the header: its labels occur in no other row.",
            hint="Delete the row if it describes the columns; if it is an item, name all "
            "categories with `--categories`.",
        )


def _first_row_is_doubtful(labels: VariableRatings, group: GroupLabels) -> bool:
    """Tell whether row 1 looks like a header: unlike the other rows in its labels and more."""
    given = group.words >= 0
    first = given & (group.rows == 1)
    others = Counter(group.words[given & (group.rows != 1)].tolist())
    words = [*map(int, group.words[first])]
    rows = len(np.unique(group.rows[given])) - 1
    if (
        not words
        or rows < _LEAST_OTHER_ROWS
        or any(word in others for word in words)
        or 2 * len(others) > others.total()
    ):
        return False
    raters = [group.raters[place] for place in group.rater_places[first].tolist()]
    texts = [labels.words[word] for word in words]
    item = group.items[int(group.item_places[first][0])]
    more_rows = rows >= _LEAST_ROWS_WITHOUT_SIGN
    return (
        any(_plain(rater) in _plain(text) for rater, text in zip(raters, texts, strict=True))
        or any(text.endswith(("?", ":")) for text in texts)
        or may_be_header([item, *(other for other in group.items if other != item)])
        or (more_rows and len(texts) > 1 and len({*texts}) == len(texts))
        or (
            more_rows
            and len(texts) == len(group.raters) > 1
            and len({*texts}) == 1
            and len(others) <= _FEW_CATEGORIES
        )
    )


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())
