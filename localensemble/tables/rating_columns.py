"""Choose the item, rater and label columns in a table of ratings.

Two layouts are guessed. *Long*: one row for each label, with a column that names the rater.
*Wide*: one row for each item and one column for each rater. A third, *counts*, has one column for
each category; it is read only if it is named. Decides which names are clear
enough to guess from, and reports every guess. Refuses to guess if a column could be a rater
or something else, because an extra column gives a believable wrong result. Columns for each rater
and variable (``ann_pain``, ``ben_sleep``) are read if the codebook or a pattern tells which is
which.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from localensemble.core.errors import TableError
from localensemble.core.options import Option
from localensemble.tables.category_counts import (
    counts_error,
    find_counts,
    refuse_shares,
    refuse_totals_row,
)
from localensemble.tables.column_names import columns_named, listed, refuse_missing
from localensemble.tables.doubts.column_families import (
    ColumnPattern,
    Grid,
    find_checkboxes,
    find_grid,
    find_rounds,
    grid_error,
)
from localensemble.tables.doubts.doubtful_raters import as_option, doubtful_raters, tells_rows_apart
from localensemble.tables.item_columns import ITEM_NAMES, TEXT_NAMES, plain_name
from localensemble.tables.table_files import TableFile

TableLayout = Literal["wide", "long", "counts"]
Gaps = Annotated[tuple[str, ...], Option("A cell that means no label, such as NA.", "--gap")]
Sheet = Annotated[str | None, Option("The sheet of a workbook. [default: the first]")]
AllCategories = Annotated[
    tuple[str, ...] | None,
    Option("All categories in order, for example low,medium,high.", split=True),
]
SplitLabels = Annotated[
    str | None,
    Option(
        "The separator of several labels in one cell, such as ';', or json; no if each cell is "
        "one category."
    ),
]

_SAMPLE_ROWS = 2000
# A column with more distinct cells than this in the sample is probably not a rater.
_MOST_CATEGORIES_GUESSED = 200

_RATER_NAMES: tuple[frozenset[str], ...] = (
    frozenset({"rater", "raterid", "ratername"}),
    frozenset({"annotator", "annotatorid", "coder", "coderid", "judge", "judgeid", "observer"}),
    frozenset({"worker", "workerid", "assessor", "assessorid", "labeler", "labelerid"}),
    frozenset({"username", "userid", "user", "useremail", "reviewer", "reviewerid"}),
    frozenset({"kodierer", "codeur", "annotateur", "codeerder", "beoordelaar", "beurteiler"}),
)
_LABEL_NAMES: tuple[frozenset[str], ...] = (
    frozenset({"label"}),
    frozenset({"category", "rating", "code", "annotation", "judgment"}),
    frozenset({"score", "value", "answer", "response", "choice", "grade"}),
)
_NO_RATERS = frozenset(
    # Columns that tables of items often have; with 0 and 1 they look like labels.
    {"sex", "gender", "female", "male", "age", "agegroup", "ethnicity", "language"}
    | {"site", "ward", "center", "centre", "clinic", "hospital", "country", "region"}
    | {"group", "arm", "treatment", "exposed", "case", "control", "split", "fold", "round"}
    | {"year", "month", "date", "time", "weight", "batch", "page", "version", "priority"}
    | {
        "order",
        "session",
        "index",
        "sequence",
        "position",
        "block",
        "nwords",
        "wordcount",
        "length",
    }
)
# A rater with this many items per category is expected to use at least half the categories.
_CELLS_PER_CATEGORY = 5
_LEAST_CELLS = 20


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """The columns that the user named; the others are guessed.

    Attributes:
        layout: wide, long or counts; None detects wide or long.
        item: column of the item ids; a wide table may do without.
        rater: column of the rater names (long).
        labels: columns of the labels (long), one variable each.
        raters: columns of the raters (wide), one rater each, or their names (long); with counts,
            the columns of the categories.
        without_raters: raters that do not count, by column (wide) or by name (long).
        pattern: how columns are named that each hold one rater's labels of one variable.
        variable: column that names the variable of each row; None if all rows have the same one.
        group: column that names a group of rows; each group is measured separately.
        gold: column of the gold labels; it must be named and is never guessed.
    """

    layout: Annotated[TableLayout | None, Option("[default: detected]")] = None
    item: Annotated[str | None, Option("The column with the item ids.")] = None
    rater: Annotated[str | None, Option("Long: the column that names the rater.")] = None
    labels: Annotated[
        tuple[str, ...], Option("Long: the column with the labels; repeatable.", "--label")
    ] = ()
    raters: Annotated[
        tuple[str, ...],
        Option("The only raters to count, by column (wide) or by name (long): a,b,c.", split=True),
    ] = ()
    without_raters: Annotated[
        tuple[str, ...],
        Option("Raters to leave out, such as a curator: a,b.", split=True),
    ] = ()
    pattern: Annotated[
        str | None,
        Option("Wide: how columns are named, such as {rater}_{variable}.", "--column-pattern"),
    ] = None
    variable: Annotated[
        str | None, Option("The column that names the variable of each row.", "--variable-column")
    ] = None
    group: Annotated[
        str | None, Option("Measure agreement separately for each value of this column.")
    ] = None
    gold: Annotated[
        str | None, Option("The column with gold labels; shows how far raters share errors.")
    ] = None


@dataclass(frozen=True, slots=True)
class LabelColumns:
    """The columns in use, as in ``NamedColumns``, and messages about what was guessed.

    Attributes:
        about: the rater and the variable of each rater column, if columns were named by both.
    """

    layout: TableLayout
    item: str | None
    rater: str | None
    labels: tuple[str, ...]
    raters: tuple[str, ...]
    without_raters: tuple[str, ...]
    about: Mapping[str, tuple[str, str]]
    variable: str | None
    group: str | None
    gold: str | None
    messages: tuple[str, ...]


def choose_label_columns(
    table: TableFile, *, named: NamedColumns, variables: Sequence[str] = ()
) -> LabelColumns:
    """Use the columns that are named, and guess the others.

    Args:
        variables: names of variables; columns with these names hold labels.

    Raises:
        TableError: a named column is missing or named twice, or a guess is not safe.
    """
    _check_named(table, named)
    choice = _Choice(table, named, variables)
    layout = choice.layout()
    if layout == "counts":
        return choice.counts()
    return choice.long() if layout == "long" else choice.wide()


class _Choice:
    """Chooses the columns of one table; every guess adds to ``messages``."""

    def __init__(self, table: TableFile, named: NamedColumns, variables: Sequence[str]) -> None:
        self.table = table
        self.named = named
        self.variables = variables
        self.messages: list[str] = []
        self.about: Mapping[str, tuple[str, str]] = {}
        taken = {named.item, named.rater, named.variable, named.group, named.gold}
        self.free = [name for name in table.columns if name not in taken]

    def layout(self) -> TableLayout:
        named = self.named
        if named.layout is not None:
            return named.layout
        if named.pattern is not None:
            return "wide"
        if named.rater is not None or named.labels:
            return "long"
        if named.raters and set(named.raters) & set(self.table.columns):
            return "wide"
        rater = self._matches(_RATER_NAMES)
        label = self._matches(_LABEL_NAMES) or self._variable_columns() or self._checkboxes()
        if rater and label:
            self.messages.append("Reading the table as long: one row for each label.")
            return "long"
        if rater:
            raise TableError(
                f'{self._name}: column "{rater[0]}" seems to name the rater, but no column seems '
                f"to hold the labels; the columns are {listed(self.table.columns)}.",
                hint="Name the column with the labels (`--label`), or use `--layout wide`.",
            )
        if not named.raters:
            self.messages.append(
                "Reading the table as wide: one row for each item, one column for each rater."
            )
        return "wide"

    def long(self) -> LabelColumns:
        rater = self.named.rater or self._guessed("rater", _RATER_NAMES)
        labels = self.named.labels or self._variable_columns()
        if not labels and not self._matches(_LABEL_NAMES):
            labels = self._checkboxes()
        if labels and not self.named.labels:
            self.messages.append(
                f"Using {columns_named(labels)} for the labels; each is one variable."
            )
        if not labels:
            labels = (self._guessed("label", _LABEL_NAMES),)
        item = self.named.item or self._guessed("item", ITEM_NAMES)
        if self.named.variable is not None and len(labels) > 1:
            raise TableError(
                f"{self._name}: {columns_named(labels)} each hold a variable, but column "
                f'"{self.named.variable}" also names the variables.',
                hint="Use either several label columns (`--label`) or a column of variables "
                "(`--variable-column`).",
            )
        return self._chosen(
            "long", item=item, rater=rater, labels=tuple(labels), raters=self.named.raters
        )

    def counts(self) -> LabelColumns:
        if self.named.group is not None or self.named.gold is not None:
            raise TableError(
                f"{self._name}: with `--layout counts`, groups and gold labels are not read.",
                hint="Leave out `--group` and `--gold`.",
            )
        item = self._item()
        columns = [name for name in self.free if name != item and not self._is_text(name)]
        found = find_counts(self.table, columns)
        guessed = tuple(columns) if found is None else found.categories
        categories = self.named.raters or guessed
        refuse_totals_row(self.table, categories)
        self.messages.append(
            f"Using {columns_named(categories)} for the categories; each cell counts the raters "
            "who chose it, and a blank cell none. Nobody knows which they were, so Conger's and "
            "Cohen's kappa and everything by rater are left out."
        )
        return self._chosen("counts", item=item, rater=None, labels=(), raters=categories)

    def wide(self) -> LabelColumns:
        item = self._item()
        refuse_missing(self.table, [("raters", column) for column in self.named.raters])
        raters = self.named.raters or self._guessed_raters(item)
        raters = tuple(name for name in raters if name not in self.named.without_raters)
        return self._chosen("wide", item=item, rater=None, labels=(), raters=raters)

    def _item(self) -> str | None:
        item = self.named.item
        if item is None:
            found = [name for name in self._matches(ITEM_NAMES) if name not in self.named.raters]
            item = found[0] if found else None
            self.messages.append(
                "Found no column with ids; the items are named row-1, row-2, ... in file order."
                if item is None
                else f'Using column "{item}" for the items.'
            )
        return item

    @staticmethod
    def _is_text(name: str) -> bool:
        return any(plain_name(name) in names for names in TEXT_NAMES)

    @property
    def _name(self) -> str:
        return self.table.path.name

    def _chosen(
        self,
        layout: TableLayout,
        *,
        item: str | None,
        rater: str | None,
        labels: tuple[str, ...],
        raters: tuple[str, ...],
    ) -> LabelColumns:
        named = self.named
        if named.gold is not None and len(labels) > 1:
            raise TableError(
                f"{self._name}: {columns_named(labels)} each hold a variable, but column "
                f'"{named.gold}" has gold labels for only one.',
                hint="Name one label column (`--label`) together with its gold column.",
            )
        columns = labels if layout == "long" else raters
        used = [item, rater, *columns, named.variable, named.group, named.gold]
        names = [name for name in used if name is not None]
        for name in names:
            if names.count(name) > 1:
                raise TableError(
                    f'{self._name}: column "{name}" is named for two purposes.',
                    hint="Name different columns for item, rater, label, variable, group and gold.",
                )
        return LabelColumns(
            layout,
            item,
            rater,
            labels,
            raters,
            named.without_raters,
            self.about,
            named.variable,
            named.group,
            named.gold,
            tuple(self.messages),
        )

    def _matches(self, tiers: Sequence[frozenset[str]]) -> list[str]:
        """Find the columns whose names match the first tier with any match."""
        for names in tiers:
            found = [name for name in self.free if plain_name(name) in names]
            if found:
                return found
        return []

    def _variable_columns(self) -> tuple[str, ...]:
        return tuple(name for name in self.free if name in self.variables)

    def _checkboxes(self) -> tuple[str, ...]:
        return tuple(find_checkboxes(self.table, self.free))

    def _guessed(self, role: str, tiers: Sequence[frozenset[str]]) -> str:
        found = self._matches(tiers)
        if len(found) != 1:
            what = (
                f"it could be {listed(found)}"
                if found
                else f"the columns are {listed(self.table.columns)}"
            )
            raise TableError(
                f"{self._name}: it is not clear which column holds the {role}; {what}.",
                hint=f"Name it with `--{role}`.",
            )
        self.messages.append(f'Using column "{found[0]}" for the {role}s.')
        return found[0]

    def _guessed_raters(self, item: str | None) -> tuple[str, ...]:
        refuse_missing(self.table, [("without-raters", name) for name in self.named.without_raters])
        columns = [
            name for name in self.free if name != item and name not in self.named.without_raters
        ]
        left_out = [name for name in columns if self._is_text(name)]
        raters = [name for name in columns if name not in left_out]
        by_name = doubtful_raters(raters, columns=True)
        raters_of_variables = self._raters_of_variables(raters, by_name)
        if raters_of_variables:
            return raters_of_variables
        rounds = find_rounds([name for name in raters if name not in by_name])
        if rounds:
            raise TableError(
                f"{self._name}: {columns_named(rounds)} seem to hold several variables, with a "
                "column for each rater and variable, or several rounds of each rater.",
                hint="Name the columns of one variable's raters: `--raters first,second`. If each "
                f"column is a rater: `--raters {as_option(rounds)}`.",
            )
        checkboxes = find_checkboxes(self.table, raters)
        if checkboxes:
            raise TableError(
                f"{self._name}: {columns_named(checkboxes)} look like the checkboxes of a question "
                "with several answers: one column for each answer, not for each rater.",
                hint="To measure agreement, the table must tell the raters apart: add a column "
                "that names the rater of each row (`--rater`). If each column is a rater, name "
                f"them: `--raters {as_option(checkboxes)}`.",
            )
        counts = find_counts(self.table, raters)
        if counts is not None:
            raise counts_error(self.table.path, counts)
        refuse_shares(self.table, raters)
        unclear = {*by_name, *self._doubtful(raters)}
        doubtful = [name for name in raters if name in unclear]
        if doubtful or not raters:
            found = (
                f"{columns_named(doubtful)} may hold something else"
                if doubtful
                else f"the columns are {listed(self.table.columns)}"
            )
            clear = [name for name in raters if name not in doubtful]
            example = as_option(clear) if len(clear) > 1 else "first,second,third"
            raise TableError(
                f"{self._name}: it is not clear which columns hold a rater's labels; {found}.",
                hint=f"Name the columns of the raters: `--raters {example}`."
                + ("" if item else " If a column holds the ids of the items, name it: `--item`."),
            )
        self.messages.append(
            f"Using {columns_named(raters)} for the raters; if one is something else, name the "
            "raters with `--raters`."
        )
        if left_out:
            self.messages.append(f"Left out {columns_named(left_out)}: the name suggests a text.")
        return tuple(raters)

    def _raters_of_variables(
        self, columns: Sequence[str], by_name: Sequence[str]
    ) -> tuple[str, ...]:
        """Return the columns named by rater and variable; empty if there are none."""
        pattern = None if self.named.pattern is None else ColumnPattern.parse(self.named.pattern)
        likely = [name for name in columns if name not in by_name]
        grid = find_grid(likely, separator=None if pattern is None else pattern.separator)
        if grid is None:
            if pattern is not None:
                raise TableError(
                    f'{self._name}: found no columns named "{pattern}" for two or more raters and '
                    f"variables; the columns are {listed(self.table.columns)}.",
                    hint="Name the columns of one variable's raters: `--raters first,second`.",
                )
            return ()
        if pattern is None:
            pattern = self._pattern_of(grid)
        if pattern is None:
            raise grid_error(self.table.path, grid)
        self.about = pattern.raters_and_variables(grid, likely)
        self.messages.append(
            f'Using {columns_named([*self.about])} for the raters, read as "{pattern}".'
        )
        others = [name for name in columns if name not in self.about]
        if others:
            self.messages.append(f"Left out {columns_named(others)}.")
        return tuple(self.about)

    def _pattern_of(self, grid: Grid) -> ColumnPattern | None:
        """Tell raters from variables by the codebook; None if it does not say."""
        known = set(self.variables)
        first, last = (set(parts) <= known for parts in (grid.first, grid.last))
        return None if first == last else ColumnPattern(grid.separator, rater_first=last)

    def _doubtful(self, columns: Sequence[str]) -> list[str]:
        """Find columns that may not be raters.

        Their names suggest something else, they have too many distinct cells, or they share too
        few with the other columns. A rater with many labels rarely uses only two categories of
        five: a column with 0 and 1 next to raters that use 0 to 4 may be another property.
        """
        cells: list[set[str]] = [set() for _ in columns]
        filled = [0] * len(columns)
        for values in itertools.islice(self.table.cells(columns), _SAMPLE_ROWS):
            for place, cell in enumerate(map(str.strip, values)):
                cells[place].add(cell)
                filled[place] += bool(cell)
        doubtful = []
        for place, (name, seen) in enumerate(zip(columns, cells, strict=True)):
            seen.discard("")
            others = set().union(*(other for i, other in enumerate(cells) if i != place)) - {""}
            if (
                plain_name(name) in _NO_RATERS
                or tells_rows_apart(
                    filled[place],
                    seen,
                    beside=max(map(len, cells[:place] + cells[place + 1 :]), default=0),
                )
                or len(seen) > _MOST_CATEGORIES_GUESSED
                or (seen and others and not seen & others)
                or (
                    filled[place] >= max(_LEAST_CELLS, _CELLS_PER_CATEGORY * len(others))
                    and 2 * len(seen & others) < len(others)
                )
            ):
                doubtful.append(name)
        return doubtful


def _check_named(table: TableFile, named: NamedColumns) -> None:
    roles = [
        ("item", named.item),
        ("rater", named.rater),
        ("variable", named.variable),
        ("group", named.group),
        ("gold", named.gold),
        *(("label", column) for column in named.labels),
    ]
    refuse_missing(table, [(role, column) for role, column in roles if column is not None])
    raters_are_columns = bool(set(named.raters) & set(table.columns))
    wide = raters_are_columns or named.layout in ("wide", "counts") or named.pattern is not None
    long = named.rater is not None or bool(named.labels) or named.layout == "long"
    if wide and long:
        raise TableError(
            f"{table.path.name}: one option asks for the wide layout, another for the long one.",
            hint="A wide table has one column for each rater (`--raters`); a long one has a "
            "rater column and a label column (`--rater`, `--label`).",
        )
