"""Read the labels that raters gave from a table, aligned by item id.

Cells are compared without surrounding white space and in composed Unicode; an empty cell is
a gap. Refuses two labels by one rater on one item, rows without an item or rater, and a column
of texts mistaken for labels. Does not decide which categories exist. Messages name rows and
columns, never the content of a cell.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import TableError
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.labels import ItemId, LabelStatus
from localensemble.core.words import counted
from localensemble.tables.category_counts import counts_of_row
from localensemble.tables.delimited import TableFormat, TableSource, path_of, restore_formula
from localensemble.tables.doubts.doubtful_raters import check_long_raters
from localensemble.tables.doubts.lookalikes import plainly_drawn
from localensemble.tables.doubts.spelled_names import (
    alike_items,
    join_raters,
    letter_case_message,
    rater_names,
    raters_message,
    told_apart,
)
from localensemble.tables.doubts.totals_row import refuse_totals
from localensemble.tables.rating_cells import Cells
from localensemble.tables.rating_columns import LabelColumns, NamedColumns, choose_label_columns
from localensemble.tables.table_files import TableFile, open_table_file

STATUS_WORDS = frozenset(
    {*(f"<{status.value}>" for status in LabelStatus), "<missing>", "<not asked>"}
)
"""The cells that a study's own tables contain where a rater has no label."""

_SHOWN_ROWS = 5
_LONGEST_LABEL = 200
# Categories are stored in 16 bits, and some tables have a row and a column for each category.
_MOST_WORDS = 2000
_MOST_CELLS = 1 << 30
_MOST_PARTS = 500


@dataclass(frozen=True, slots=True, eq=False)
class GroupLabels:
    """The labels of one variable in one group.

    Attributes:
        group: its name; None if the table is not read by group.
        items: the item ids, in table order.
        raters: the rater names, in table order.
        words: (n,) indices into ``VariableRatings.words``, -1 for a gap.
        item_places: (n,) indices into ``items``.
        rater_places: (n,) indices into ``raters``.
        rows: (n,) row numbers.
        gold: (items,) indices of the gold labels in ``VariableRatings.words``, -1 for an item
            without one; None if no column holds gold labels.
        gold_rows: (items,) row numbers of the gold labels.
    """

    group: str | None
    items: tuple[ItemId, ...] = field(repr=False)
    raters: tuple[str, ...]
    words: NDArray[np.int32] = field(repr=False)
    item_places: NDArray[np.int32] = field(repr=False)
    rater_places: NDArray[np.int32] = field(repr=False)
    rows: NDArray[np.int32] = field(repr=False)
    gold: NDArray[np.int32] | None = field(default=None, repr=False)
    gold_rows: NDArray[np.int32] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class VariableRatings:
    """The labels of one variable.

    Attributes:
        variable: its name.
        words: the distinct labels, in order of first occurrence.
        groups: the groups, in order of first occurrence; only one if the table is not read by
            group.
        answers: the categories that the labels can have; None if the table does not say.
    """

    variable: str
    words: tuple[str, ...]
    groups: tuple[GroupLabels, ...]
    answers: tuple[str, ...] | None = None

    def rows_with(self, words: Iterable[str]) -> str:
        """Name the rows with one of these labels, for a message: ``rows 3, 7 and 12 more``."""
        places = [self.words.index(word) for word in words]
        found = [group.rows[np.isin(group.words, places)] for group in self.groups]
        found += [
            group.gold_rows[np.isin(group.gold, places)]
            for group in self.groups
            if group.gold is not None and group.gold_rows is not None
        ]
        rows = np.concatenate(found)
        return _spoken_rows(sorted(set(rows.tolist())))

    def matrices(
        self, categories: Sequence[str], *, name_of: Mapping[str, str]
    ) -> Iterator[LabelMatrix]:
        """Yield the label matrix of each group.

        Args:
            name_of: maps labels to the category they mean, if its name differs.

        Raises:
            ValueError: a label is not a category.
        """
        index = self._index(categories, name_of)
        for group in self.groups:
            indices = np.full((len(group.items), len(group.raters)), GAP, dtype=np.int16)
            indices[group.item_places, group.rater_places] = index[group.words]
            yield LabelMatrix(indices, tuple(categories), group.raters)

    def gold(
        self, categories: Sequence[str], *, name_of: Mapping[str, str]
    ) -> Iterator[NDArray[np.int16] | None]:
        """Yield the gold labels of each group as category indices, -1 for no gold label."""
        index = self._index(categories, name_of)
        for group in self.groups:
            yield None if group.gold is None else index[group.gold]

    def _index(self, categories: Sequence[str], name_of: Mapping[str, str]) -> NDArray[np.int16]:
        index_of = {name: index for index, name in enumerate(categories)}
        named = [name_of.get(word, word) for word in self.words]
        unknown = set(named) - set(index_of)
        if unknown:
            raise ValueError(f"{counted(len(unknown), 'label')} not among the categories.")
        # The gap, -1, indexes the last element.
        return np.array([*(index_of[name] for name in named), GAP], dtype=np.int16)


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """A table of labels, read.

    Attributes:
        columns: which columns were used for what.
        messages: what was guessed or ignored, in sentences for the user.
        variables: the variables, in order of first occurrence.
        format: how to write tables that open as this one does.
    """

    path: Path
    columns: LabelColumns
    messages: tuple[str, ...]
    variables: tuple[VariableRatings, ...]
    format: TableFormat


def read_ratings(
    source: TableSource,
    *,
    named: NamedColumns,
    gaps: Sequence[str] = (),
    variables: Sequence[str] = (),
    sheet: str | None = None,
) -> Ratings:
    """Read a table of labels, wide or long.

    Args:
        source: the file, or a table in memory.
        named: the columns that you name; the others are guessed.
        gaps: cells that mean a gap, in addition to the empty cell.
        variables: names of variables; columns with these names hold labels.
        sheet: the sheet of a workbook.

    Raises:
        TableError: the file or its columns cannot be used, a row has no item or no rater, a
            rater has two labels on one item, or labels look like texts.
    """
    table = open_table_file(source, sheet=sheet)
    columns = choose_label_columns(table, named=named, variables=variables)
    collector = _Collector(table, columns, frozenset({"", *map(_clean, gaps)}) | STATUS_WORDS)
    collector.read()
    collector.check_raters()
    messages = [*table.messages, *columns.messages, *collector.messages()]
    return Ratings(path_of(source), columns, tuple(messages), collector.variables(), table.format)


class _Collector:
    """Reads the rows once, then checks what can be checked only after the last row."""

    def __init__(self, table: TableFile, columns: LabelColumns, gaps: frozenset[str]) -> None:
        self._table = table
        self._columns = columns
        self._gaps = gaps
        self._words: dict[str, dict[str, int]] = {}
        self._cells: dict[tuple[str, str | None], Cells] = {}
        self._blank: dict[str, list[int]] = {}
        self._status_words = 0
        # All names in the rater column of a long table, in order.
        self._raters: dict[str, None] = {}
        self._spelled: Mapping[str, tuple[str, ...]] = {}
        self._apart: Mapping[str, tuple[str, ...]] = {}

    def read(self) -> None:
        """Read every row.

        Raises:
            TableError: as documented in `read_ratings`.
        """
        chosen = self._columns
        wanted = [
            name
            for name in (chosen.item, chosen.rater, chosen.variable, chosen.group)
            if name is not None
        ]
        labels = chosen.labels if chosen.layout == "long" else chosen.raters
        gold = () if chosen.gold is None else (chosen.gold,)
        one_variable = chosen.labels[0] if chosen.labels else self._table.path.stem
        left_out = {*map(_clean, chosen.without_raters)}
        kept = {*map(_clean, chosen.raters)}
        for row, cells in enumerate(self._table.cells([*wanted, *labels, *gold]), start=1):
            keys = dict(zip(wanted, map(_clean, cells), strict=False))
            for name, key in keys.items():
                if not key:
                    self._blank.setdefault(name, []).append(row)
            item = f"row-{row}" if chosen.item is None else keys[chosen.item]
            group = None if chosen.group is None else keys[chosen.group]
            variable = one_variable if chosen.variable is None else keys[chosen.variable]
            if chosen.rater is not None:
                rater = keys[chosen.rater]
                self._raters.setdefault(rater)
                if rater in left_out or (kept and rater not in kept):
                    continue
            given = cells[len(wanted) : len(wanted) + len(labels)]
            if chosen.layout == "counts":
                self._add_counts(item, labels, given, row)
                continue
            for name, cell in zip(labels, given, strict=True):
                if chosen.rater is None:
                    rater, about = chosen.about.get(name, (_clean(name), variable))
                else:
                    about = name if len(labels) > 1 else variable
                self._add(about, group, item, rater, _label(cell), row)
            if gold:
                self._add_gold(variable, group, item, _label(cells[-1]), row)
        self._refuse_blank()
        if chosen.item is not None:
            refuse_totals(self._table.path, column=chosen.item, row=row, cell=item)
        self._join_names()
        self._refuse_repeated()

    def _add_counts(
        self, item: str, categories: Sequence[str], cells: Sequence[str], row: int
    ) -> None:
        """Add one label of a nameless rater for each that a row counts."""
        variable = self._table.path.stem
        counts = counts_of_row(self._table.path, cells, row=row)
        given = [name for name, n in zip(categories, counts, strict=True) for _ in range(n)]
        for number, category in enumerate(given, start=1):
            self._add(variable, None, item, f"label {number}", _label(category), row)
        if row == 1:
            # A category that nobody chose is still one.
            for category in categories:
                self._words.setdefault(variable, {}).setdefault(
                    _label(category), len(self._words[variable])
                )

    def check_raters(self) -> None:
        """Check the names in the rater column of a long table.

        Raises:
            TableError: a rater that was named does not occur, or one may not be a rater.
        """
        chosen = self._columns
        if chosen.rater is not None:
            check_long_raters(
                self._table.path,
                [*self._raters],
                column=chosen.rater,
                kept=[*map(_clean, chosen.raters)],
                without=[*map(_clean, chosen.without_raters)],
            )

    def _join_names(self) -> None:
        """Give each rater of a long table one name, and refuse items that look the same."""
        parts = self._cells.values()
        spelled = rater_names(rater for cells in parts for rater in cells.raters)
        if self._columns.rater is None:
            self._apart = spelled
        elif spelled:
            self._apart = told_apart(spelled, [cells.items_by_rater() for cells in parts])
        self._spelled = {one: names for one, names in spelled.items() if one not in self._apart}
        for cells in parts:
            if self._spelled:
                joined = join_raters(cells.raters, cells.rater_places, names=self._spelled)
                cells.raters, cells.rater_places = joined.raters, joined.rater_places
            alike = alike_items(cells.items)
            if alike is not None:
                places = [cells.item_places.index(cells.items[one]) for one in alike]
                rows = " and ".join(str(cells.rows[place]) for place in places)
                raise TableError(
                    f'{self._table.path.name}, column "{self._columns.item}": the items in rows '
                    f"{rows} look the same but are written differently.",
                    hint="Write an item's id the same way in every row, down to dashes and spaces.",
                )

    def _add(
        self, variable: str, group: str | None, item: str, rater: str, label: str, row: int
    ) -> None:
        key = (variable, group)
        if key not in self._cells:
            self._refuse_many_parts()
            self._cells[key] = Cells()
            self._words.setdefault(variable, {})
        if label in self._gaps:
            word = GAP
            self._status_words += label in STATUS_WORDS
        else:
            word = self._word(variable, label)
        self._cells[key].add(item, rater, word, row)

    def _word(self, variable: str, label: str) -> int:
        words = self._words[variable]
        known = words.get(label)
        if known is None:
            known = words[label] = len(words)
            self._refuse_texts(label, len(words))
        return known

    def _add_gold(self, variable: str, group: str | None, item: str, label: str, row: int) -> None:
        if label in self._gaps:
            return
        gold = self._cells[variable, group].gold
        word = self._word(variable, label)
        before = gold.setdefault(item, (word, row))
        if before[0] != word:
            raise TableError(
                f'{self._table.path.name}, column "{self._columns.gold}": the same item has two '
                f"gold labels, in rows {before[1]} and {row}.",
                hint="Give each item one gold label; it may be repeated in every row of the item.",
            )

    def messages(self) -> list[str]:
        """Report what is written in several ways, and the non-empty cells read as gaps."""
        found = [
            *raters_message(self._spelled, joined=True),
            *raters_message(self._apart, joined=False),
        ]
        if self._columns.rater is not None:
            found += letter_case_message(
                {item for cells in self._cells.values() for item in cells.items}
            )
        if self._status_words:
            listed = " or ".join(sorted(STATUS_WORDS))
            found.append(f"Cells that hold {listed} count as gaps: {self._status_words:,}.")
        return found

    def variables(self) -> tuple[VariableRatings, ...]:
        """Return the labels of every variable."""
        return tuple(
            VariableRatings(
                variable,
                tuple(words),
                tuple(
                    _group_labels(group, cells, gold=self._columns.gold is not None)
                    for (about, group), cells in self._cells.items()
                    if about == variable
                ),
            )
            for variable, words in self._words.items()
        )

    def _refuse_texts(self, label: str, words: int) -> None:
        visible = plainly_drawn(label).isprintable()
        if len(label) <= _LONGEST_LABEL and visible and words <= _MOST_WORDS:
            return
        holders = self._columns.labels or self._columns.raters
        found = (
            f"more than {_MOST_WORDS:,} different labels"
            if words > _MOST_WORDS
            else f"a cell of {len(label):,} characters, or with invisible characters"
        )
        raise TableError(
            f"{self._table.path.name}: column{'s' if len(holders) > 1 else ''} "
            + ", ".join(f'"{name}"' for name in holders[:_SHOWN_ROWS])
            + f" cannot hold labels; found {found}.",
            hint="Name the columns with the labels: use `--label` for a long table, `--raters` "
            "for a wide one.",
        )

    def _refuse_many_parts(self) -> None:
        if len(self._cells) < _MOST_PARTS:
            return
        chosen = (self._columns.variable, self._columns.group)
        names = " and ".join(f'"{name}"' for name in chosen if name is not None)
        raise TableError(
            f"{self._table.path.name}: split by {names}, the table has more than {_MOST_PARTS} "
            "parts.",
            hint="Name a column with few distinct values: `--group` for wards or rounds, "
            "`--variable-column` for variables.",
        )

    def _refuse_blank(self) -> None:
        for name, rows in self._blank.items():
            raise TableError(
                f'{self._table.path.name}, column "{name}": the cell is empty in '
                f"{_spoken_rows(rows)}.",
                hint="Fill it in, or remove the row; only labels may be empty.",
            )

    def _refuse_repeated(self) -> None:
        for (variable, _), cells in self._cells.items():
            if len(cells.items) * len(cells.raters) > _MOST_CELLS:
                raise TableError(
                    f"{self._table.path.name}: {len(cells.items):,} items by "
                    f"{len(cells.raters):,} raters are too many to keep in memory.",
                    hint="Read the table by group (`--group`), or in parts.",
                )
            pairs = cells.repeated()
            if pairs:
                raise self._repeated_error(variable, pairs)

    def _repeated_error(self, variable: str, pairs: Sequence[tuple[int, int]]) -> TableError:
        shown = ", ".join(f"{first} and {second}" for first, second in pairs[:_SHOWN_ROWS])
        if len(pairs) > _SHOWN_ROWS:
            shown += f" (and {len(pairs) - _SHOWN_ROWS:,} more)"
        where = self._table.path.name
        if self._columns.variable is not None:
            where += f', variable "{variable}"'
        if self._columns.layout != "long":
            return TableError(
                f"{where}: the same item appears in rows {shown}.",
                hint="Give every item one row; if rows belong to different variables or groups, "
                "name the column that tells them apart (`--variable-column`; `agree` also has "
                "`--group`).",
            )
        spelled = "; ".join(raters_message(self._spelled, joined=True))
        return TableError(
            f"{where}: the same rater has two labels on one item, in rows {shown}."
            + (f" {spelled}" if spelled else ""),
            hint="Keep one of them; if they belong to different variables or groups, name the "
            "column that tells them apart (`--variable-column`; `agree` also has `--group`).",
        )


def _group_labels(group: str | None, cells: Cells, *, gold: bool) -> GroupLabels:
    def numbers(of: array[int]) -> NDArray[np.int32]:
        return np.array(of, dtype=np.int32)

    known = np.array(
        [cells.gold.get(item, (GAP, GAP)) for item in cells.items], dtype=np.int32
    ).reshape(-1, 2)
    return GroupLabels(
        group,
        tuple(map(ItemId, cells.items)),
        tuple(cells.raters),
        numbers(cells.words),
        numbers(cells.item_places),
        numbers(cells.rater_places),
        numbers(cells.rows),
        known[:, 0] if gold else None,
        known[:, 1] if gold else None,
    )


@lru_cache(maxsize=1 << 16)
def _clean(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip()


@lru_cache(maxsize=1 << 16)
def _label(cell: str) -> str:
    return restore_formula(_clean(cell))


def _spoken_rows(numbers: Sequence[int]) -> str:
    shown = ", ".join(f"{number}" for number in numbers[:_SHOWN_ROWS])
    more = len(numbers) - _SHOWN_ROWS
    return f"row{'s' if len(numbers) > 1 else ''} {shown}" + (
        f" and {more:,} more" if more > 0 else ""
    )
