"""Recognize and read tables that count, for each item, how many raters chose each category.

Taken for raters, such columns give a believable wrong agreement. Decides by the rows: whole
numbers that add up to the same number everywhere, or to a column of totals; or shares of 1 or 100.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.tables.column_names import columns_named
from localensemble.tables.doubts.doubtful_raters import as_option
from localensemble.tables.item_columns import plain_name
from localensemble.tables.table_files import TableFile

_SAMPLE_ROWS = 2000
_LEAST_ROWS = 4
_MOST_LABELS = 1000
_WHOLE = re.compile(r"(\d{1,9})(\.0*)?")
_DECIMAL = re.compile(r"\d{1,3}(\.\d{1,17})?")
_ROUNDING = 0.011
# Two columns that are equal in every row are not one category and its total.
_LEAST_WITH_TOTAL = 3
_TOTAL_NAMES = frozenset(
    {"n", "total", "sum", "count", "raters", "nraters", "ratings", "nratings", "labels", "nlabels"}
    | {"gesamt", "gesamtsumme", "gesamtergebnis", "summe", "anzahl", "insgesamt", "grandtotal"}
    | {"totalraters", "totalvotes", "totalgénéral", "totaal", "eindtotaal", "somme"}
)


@dataclass(frozen=True, slots=True)
class CategoryCounts:
    """Columns that count the labels of each category.

    Attributes:
        categories: the columns.
        total: the column with their sum; None if there is none.
        labels: the number of labels of every item; None if it differs.
    """

    categories: tuple[str, ...]
    total: str | None
    labels: int | None


def find_counts(table: TableFile, columns: Sequence[str]) -> CategoryCounts | None:
    """Find the columns that seem to be counts; None if there are none."""
    rows = [
        [count_of(cell) for cell in cells]
        for cells in itertools.islice(table.cells(columns), _SAMPLE_ROWS)
    ]
    # The last may be a row of totals, whose sum is another.
    rows = rows[:-1] if len(rows) > _LEAST_ROWS and _adds_up(rows) else rows
    if len(rows) < _LEAST_ROWS:
        return None
    numbers = {
        column: [one for one in counts if one is not None]
        for column, counts in zip(columns, zip(*rows, strict=True), strict=True)
        if None not in counts
    }
    total = _total(numbers)
    categories = tuple(name for name in numbers if name != total)
    counted = [*zip(*(numbers[name] for name in categories), strict=True)]
    if len(categories) < 2 or max(map(max, counted)) < 2 or len({*counted}) == 1:
        return None
    sums = [*map(sum, counted)]
    same = len({*sums}) == 1
    if total is not None and numbers[total] == sums:
        return CategoryCounts(categories, total, sums[0] if same else None)
    return CategoryCounts(categories, None, sums[0]) if same and total is None else None


def refuse_totals_row(table: TableFile, columns: Sequence[str]) -> None:
    """Refuse counts whose last row adds up the others.

    Raises:
        TableError: it does, in every column.
    """
    rows = [[count_of(cell) for cell in cells] for cells in table.cells(columns)]
    if len(rows) > _LEAST_ROWS and _adds_up(rows):
        raise TableError(
            f"{table.path.name}, row {len(rows)}: the last row is the sum of the others, not an "
            "item.",
            hint="Remove the row of totals.",
        )


def _adds_up(rows: Sequence[Sequence[int | None]]) -> bool:
    """Tell whether the last row is the sum of the others."""
    *others, last = ([one or 0 for one in row] for row in rows)
    return any(last) and last == [*map(sum, zip(*others, strict=True))]


def _total(numbers: Mapping[str, Sequence[int]]) -> str | None:
    """Find the column of totals, by its name or by its numbers."""
    named = next((name for name in numbers if plain_name(name) in _TOTAL_NAMES), None)
    if named is not None or len(numbers) < _LEAST_WITH_TOTAL:
        return named
    sums = [*map(sum, zip(*numbers.values(), strict=True))]
    return next(
        (
            name
            for name, own in numbers.items()
            if any(own) and all(2 * one == both for one, both in zip(own, sums, strict=True))
        ),
        None,
    )


def refuse_shares(table: TableFile, columns: Sequence[str]) -> None:
    """Refuse columns that seem to hold the share of each category.

    Raises:
        TableError: fractions add up to 1 or to 100 in every row.
    """
    rows = [
        [_number(cell) for cell in cells]
        for cells in itertools.islice(table.cells(columns), _SAMPLE_ROWS)
    ]
    filled = [[one for one in row if one is not None] for row in rows]
    if len(rows) < _LEAST_ROWS or any(len(row) < max(2, len(columns)) for row in filled):
        return
    fractions = any(one != int(one) for row in filled for one in row) or any(
        "%" in cell for cells in itertools.islice(table.cells(columns), 1) for cell in cells
    )
    whole = next(
        (one for one in (1, 100) if all(abs(sum(row) / one - 1) < _ROUNDING for row in filled)),
        None,
    )
    if fractions and whole is not None:
        raise TableError(
            f"{table.path.name}: {columns_named(columns)} seem to hold the share of each category; "
            f"they add up to {whole} in every row.",
            hint="Agreement needs the number of raters who chose each category: write it instead "
            "of the shares, and add `--layout counts`. If they are raters, name them: "
            f"`--raters {as_option(columns)}`.",
        )


def counts_error(path: Path, counts: CategoryCounts) -> TableError:
    """Return the error that asks whether columns count the raters of each category."""
    how = f"{counts.labels:,} in every row" if counts.labels else f'the column "{counts.total}"'
    return TableError(
        f"{path.name}: {columns_named(counts.categories)} seem to count how many raters chose each "
        f"category; they add up to {how}.",
        hint="If they do, add `--layout counts`. If they are raters, name them: "
        f"`--raters {as_option(counts.categories)}`.",
    )


def count_of(cell: str) -> int | None:
    """Read a count, which a pivot table leaves blank for 0; None if a cell holds anything else."""
    found = _WHOLE.fullmatch(cell.strip() or "0")
    return None if found is None else int(found[1])


def _number(cell: str) -> float | None:
    plain = cell.strip().removesuffix("%").rstrip().replace(",", ".")
    return float(plain) if _DECIMAL.fullmatch(plain) else None


def counts_of_row(path: Path, cells: Sequence[str], *, row: int) -> list[int]:
    """Read the counts of one row.

    Raises:
        TableError: a cell is not a whole number, or the numbers are too large for counts.
    """
    counts = [found for cell in cells if (found := count_of(cell)) is not None]
    if len(counts) < len(cells):
        raise TableError(
            f"{path.name}, row {row}: a cell is not a whole number, as a count must be.",
            hint="Write 0 for a category that nobody chose, or name the columns of the categories "
            "with `--raters`.",
        )
    if sum(counts) > _MOST_LABELS:
        raise TableError(
            f"{path.name}, row {row}: the counts add up to {sum(counts):,} labels; expected "
            f"{_MOST_LABELS:,} or fewer.",
            hint="Name the columns that count labels with `--raters`.",
        )
    return counts
