"""Values that a file stores with a type, written as text."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from pathlib import Path

from localensemble.core.errors import TableError

# Beyond this a float no longer tells whole numbers apart.
_LARGEST_EXACT = 2.0**53


def stored_text(value: object) -> str:
    """Write a stored value as a person would have typed it: 1.0 as ``1``, nothing as empty."""
    if value is None:
        return ""
    if isinstance(value, float | Decimal):
        number = float(value)
        if math.isnan(number):
            return ""
        if number.is_integer() and abs(number) < _LARGEST_EXACT:
            return str(int(number))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def no_rows_error(path: Path) -> TableError:
    """Say that a table is empty."""
    return TableError(
        f"{path.name}: there is no row below a header.",
        hint="Give a table with a header and rows below it.",
    )
