"""Values that a file stores with a type, written as text; and the packages that read them."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import ModuleType

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


def optional_package(name: str, *, path: Path, kind: str) -> ModuleType:
    """Import what reads a kind of file, or say how to install it.

    Raises:
        TableError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise TableError(
            f"{path.name}: reading {kind} needs the package {name.partition('.')[0]}, which is "
            "not installed.",
            hint="Install it with `pip install 'localensemble[tables]'`, or save the table as "
            '"CSV UTF-8".',
        ) from error


def no_rows_error(path: Path) -> TableError:
    """Say that a table is empty."""
    return TableError(
        f"{path.name}: there is no row below a header.",
        hint="Give a table with a header and rows below it.",
    )
