"""Count the identifiers in each column of a table; no value of a cell leaves this module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localensemble.privacy.identifiers.kinds import kind_of_heading, kinds_in


@dataclass(frozen=True, slots=True)
class ColumnIdentifiers:
    """The identifiers of one kind in one column.

    Attributes:
        column: the heading.
        kind: the letter of the kind.
        cells: number of cells with at least one.
        found: number of identifiers.
        by_heading: whether the heading announces the kind; then every cell with content counts.
    """

    column: str
    kind: str
    cells: int
    found: int
    by_heading: bool


@dataclass(frozen=True, slots=True)
class ScannedTable:
    """The counts of a table, by column and kind in the order of the regulation."""

    rows: int
    columns: int
    identifiers: tuple[ColumnIdentifiers, ...]


def scan_columns(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> ScannedTable:
    """Count the identifiers of every kind in every column."""
    announced = [kind_of_heading(column) for column in columns]
    cells = [Counter[str]() for _ in columns]
    found = [Counter[str]() for _ in columns]
    count = 0
    for row in rows:
        count += 1
        for place, cell in enumerate(row):
            if not cell.strip():
                continue
            kinds = list(kinds_in(cell))
            kind = announced[place]
            if kind is not None and kind not in kinds:
                kinds.append(kind)
            found[place].update(kinds)
            cells[place].update(set(kinds))
    return ScannedTable(
        count,
        len(columns),
        tuple(
            ColumnIdentifiers(column, kind, cells[place][kind], total, announced[place] == kind)
            for place, column in enumerate(columns)
            for kind, total in sorted(found[place].items())
        ),
    )
