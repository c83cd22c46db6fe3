"""Count identifiers in the columns of a table before its texts are labeled or passed on."""

from __future__ import annotations

from localensemble.privacy.identifiers.kinds import KINDS, IdentifierKind
from localensemble.privacy.identifiers.scan import ColumnIdentifiers, ScannedTable, scan_columns
from localensemble.tables.delimited import TableSource
from localensemble.tables.table_files import open_table_file

__all__ = [
    "KINDS",
    "ColumnIdentifiers",
    "IdentifierKind",
    "ScannedTable",
    "count_identifiers",
]


def count_identifiers(source: TableSource) -> ScannedTable:
    """Count the identifiers of each kind of HIPAA's Safe Harbor in each column of a table.

    Returns counts only, never a value. Patterns miss what has no form of its own, such as names.

    Raises:
        TableError: the table cannot be read.
    """
    table = open_table_file(source)
    return scan_columns(table.columns, table.cells(table.columns))
