"""Read a pandas DataFrame as the table of text that its CSV file would be.

Decides how a cell is read: every kind of missing value is an empty cell, and a number is written
as a person would type it, so that 1 and 1.0 are one category. A named index is a column. So is an
unnamed index of texts if no column holds ids; any other unnamed index only numbers the rows.
Refuses anything ambiguous, and cells that are not single values. The frame itself is never
changed. Messages name rows and columns, never the content of a cell.

No other module turns frames into tables; its callers have already imported pandas.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd

from localensemble.core.errors import TableError
from localensemble.tables.delimited import HeldTable, TableFormat, check_header
from localensemble.tables.doubts.header_rows import MOST_HEADER_ROWS, more_header_rows
from localensemble.tables.item_columns import ID_NAMES, plain_name
from localensemble.tables.stored_values import no_rows_error, stored_text

_ID = "id"
_VALUES = (
    *(str, bool, int, float, Decimal, UUID),
    *(datetime.date, datetime.time, datetime.timedelta),
    *(np.bool_, np.integer, np.floating, np.datetime64, np.timedelta64),
    *(pd.Period, pd.Interval),
)


def table_of_frame(frame: pd.DataFrame, *, name: str = "frame") -> HeldTable:
    """Read a frame as a table of text.

    Args:
        frame: N rows by any number of columns, with categories, nullable and mixed types.
        name: the name of the table in messages.

    Raises:
        TableError: the frame has no rows or no columns, columns with several levels or with
            the same name, an unreadable index, or a cell that is not a single value.
    """
    path = Path(name)
    if frame.columns.nlevels > 1:
        raise TableError(
            f"{name}: the columns have {frame.columns.nlevels} levels (MultiIndex); expected one "
            "name for each column.",
            hint='Join the levels first: `frame.columns = ["_".join(map(str, levels)) for levels '
            "in frame.columns]`.",
        )
    columns = [
        *_index_columns(frame, name),
        *(
            (_column_name(label, place, name), frame.iloc[:, place])
            for place, label in enumerate(frame.columns)
        ),
    ]
    header = tuple(heading for heading, _ in columns)
    if not columns or not len(frame):
        raise no_rows_error(path)
    check_header(path, header)
    texts = [list(_texts(cells, f'{name}, column "{heading}"')) for heading, cells in columns]
    rows = tuple(zip(*texts, strict=True))
    more = more_header_rows(header, rows[:MOST_HEADER_ROWS])
    if len(rows) <= more:
        raise no_rows_error(path)
    return HeldTable(path, header, TableFormat(), rows[more:], more_header_rows=more)


def ordered_categories(frame: pd.DataFrame) -> tuple[str, ...] | None:
    """Return the categories that all ordered Categorical columns of a frame share.

    None if no column is an ordered Categorical, or if two of them differ.
    """
    dtypes = [kind for kind in frame.dtypes if isinstance(kind, pd.CategoricalDtype)]
    found = {tuple(map(_text, kind.categories)) for kind in dtypes if kind.ordered}
    return found.pop() if len(found) == 1 else None


def _index_columns(frame: pd.DataFrame, name: str) -> Iterator[tuple[str, Any]]:
    """Turn the index into columns, to the left of the others."""
    index = frame.index
    if index.nlevels > 1:
        if None in index.names:
            raise TableError(
                f"{name}: the index has {index.nlevels} levels, but one of them has no name.",
                hint="Name the levels (`frame.rename_axis([...])`), or drop them "
                "(`frame.reset_index(drop=True)`).",
            )
        for place, level in enumerate(index.names):
            yield _column_name(level, place, name), index.get_level_values(place)
    elif index.name is not None:
        yield _column_name(index.name, 0, name), index
    elif index.inferred_type in ("string", "categorical") and not _has_ids(frame.columns):
        if not index.is_unique:
            rows = np.flatnonzero(index.duplicated(keep=False)) + 1
            raise TableError(
                f"{name}: no column holds ids, and the index is not unique: rows {rows[0]} and "
                f"{rows[1]} are among those that share an index value.",
                hint="Add a column with ids, or number the rows: `frame.reset_index(drop=True)`.",
            )
        yield _ID, index


def _has_ids(columns: Sequence[object]) -> bool:
    return any(plain_name(str(label)) in (*ID_NAMES, "item") for label in columns)


def _column_name(label: object, place: int, name: str) -> str:
    if label is None or isinstance(label, str | int | float | np.integer | np.floating):
        return _text(label)
    raise TableError(
        f"{name}: column {place + 1} has a name of type {type(label).__name__}; expected text.",
        hint="Give every column a name that is text.",
    )


def _texts(cells: Any, where: str) -> Iterator[str]:
    """Write the cells of one column as text.

    Raises:
        TableError: a cell is not a single value; the message names the row.
    """
    missing = np.asarray(cells.isna())
    # Iterating in pandas widens float32, and the digits of its own precision would be lost.
    narrow = isinstance(cells.dtype, np.dtype) and cells.dtype.kind == "f"
    values = cells.to_numpy() if narrow else cells
    for row, (value, absent) in enumerate(zip(values, missing, strict=True), start=1):
        if absent:
            yield ""
        elif isinstance(value, _VALUES):
            try:
                text = _text(value)
            except ValueError as error:
                raise TableError(
                    f"{where}, row {row}: the number has too many digits.",
                    hint="Convert the column to text, or correct the number.",
                ) from error
            if not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text):
                raise TableError(
                    f"{where}, row {row}: the text contains half a character (a surrogate).",
                    hint="Read the source again with the correct encoding.",
                )
            yield text
        else:
            raise TableError(
                f"{where}, row {row}: found a value of type {type(value).__name__}; expected "
                "text, a number, true or false, or a date.",
                hint="Convert the column to text or numbers, or drop it.",
            )


def _text(value: object) -> str:
    if isinstance(value, str):
        # The text itself, even if a subclass (for example, an enum) would print something else.
        return str.__str__(value)
    if isinstance(value, np.floating) and not isinstance(value, float):
        # Only as many digits as its own precision has: 0.1, not 0.10000000149011612.
        return stored_text(float(str(value)))
    return stored_text(value)
