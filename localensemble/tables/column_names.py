"""List column names in a message, and refuse columns that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from localensemble.core.errors import TableError
from localensemble.tables.table_files import TableFile

_MOST_SHOWN = 20


def refuse_missing(table: TableFile, named: Sequence[tuple[str, str]]) -> None:
    """Refuse a column that the table does not have.

    Args:
        named: the option, without dashes, and the column that it names.

    Raises:
        TableError: a column is missing; the message proposes the one probably meant.
    """
    for role, column in named:
        if column not in table.columns:
            near = get_close_matches(column, table.columns, n=1, cutoff=0.6)
            raise TableError(
                f'{table.path.name}: there is no column "{column}" (`--{role}`); the columns are '
                f"{listed(table.columns)}.",
                hint=f'Did you mean "{near[0]}"?' if near else "Name a column of the table.",
            )


def columns_named(names: Sequence[str]) -> str:
    """Write ``column "a"`` or ``columns "a", "b"``."""
    return f"column{'s' if len(names) > 1 else ''} {listed(names)}"


def listed(columns: Sequence[str]) -> str:
    """Write the names in quotation marks; of many, the first ones and how many more."""
    shown = ", ".join(f'"{name}"' for name in columns[:_MOST_SHOWN])
    more = len(columns) - _MOST_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
