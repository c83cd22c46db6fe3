"""Convert the typed values of a file to text."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from pathlib import Path

from localensemble.core.errors import TableError

# Beyond this, a float cannot represent every whole number.
_LARGEST_EXACT = 2.0**53


def stored_text(value: object) -> str:
    """Write a stored value as a person would type it: 1.0 as ``1``, no value as empty."""
    if value is None:
        return ""
    if isinstance(value, float | Decimal):
        number = float(value)
        if math.isnan(number):
            return ""
        # A Decimal can have digits that a float loses: then it is another number.
        if number.is_integer() and abs(number) < _LARGEST_EXACT and number == value:
            return str(int(number))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value)


def no_rows_error(path: Path) -> TableError:
    """Return the error for a table without rows."""
    return TableError(
        f"{path.name}: the table has no rows below a header.",
        hint="Use a table with a header and rows below it.",
    )
