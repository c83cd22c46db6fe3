"""Gold labels, aligned with the items of a study by item id.

Refuses a gold file whose labels are no categories, or that shares no item with the study:
a comparison with the wrong file would give a believable wrong number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook, Variable
from localensemble.core.errors import TableError
from localensemble.core.options import Option
from localensemble.tables.delimited import TableSource, path_of, restore_formula
from localensemble.tables.row_ids import KeyedTable

# A column of texts, named by mistake, must not end up in a table of findings.
MOST_GROUPS = 50
_SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class Prices:
    """What an item costs: labeled by all models, and labeled by one person; in any unit."""

    person: Annotated[
        float,
        Option(
            "What one item costs when a person labels it, in any unit.", "--person-cost", least=0
        ),
    ] = 1.0
    models: Annotated[
        float,
        Option(
            "What one item costs when all models label it, in the same unit.",
            "--model-cost",
            least=0,
        ),
    ] = 0.0


REVIEW_ONLY = Prices()
"""Cost counts the items that a person reads."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldLabels:
    """Gold categories per variable, in study order.

    Attributes:
        categories: variable name -> int16 (N,), -1 where an item has no gold label.
        items_not_in_study: gold rows whose id the study does not have; they are left out.
        groups: (N,) text of the group column, None where an item has no gold row; None when
            no column was asked for.
        random_sample: whether somebody states that the items were drawn at random from all
            items of the study. It cannot be seen from the file.
        blank_rows: variable name -> rows that are there and have no label.
        prices: of labels, to weigh a person's time against errors.
        messages: what was left out, in sentences.
    """

    categories: Mapping[str, NDArray[np.int16]]
    items_not_in_study: int
    groups: NDArray[np.object_] | None = None
    random_sample: bool = False
    blank_rows: Mapping[str, int] = field(default_factory=dict)
    prices: Prices = REVIEW_ONLY
    messages: tuple[str, ...] = ()


class LeftOut:
    """Counts the rows of a table whose ids are no items of a study, and names the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: list[int] = []
        self.count = 0

    def add(self, row_number: int) -> None:
        """Take a row."""
        self.count += 1
        if len(self._first) < _SHOWN_ROWS:
            self._first.append(row_number)

    def messages(self) -> tuple[str, ...]:
        """Say how many and which; nothing when there are none."""
        if not self.count:
            return ()
        shown = ", ".join(map(str, self._first))
        more = ", ..." if self.count > len(self._first) else ""
        return (
            f"{self._path.name}: {self.count:,} of its rows ({shown}{more}) have an id that no "
            "labeled item has; they are left out.",
        )

    def error(self) -> TableError:
        """Say that no row is about an item of the study."""
        return TableError(
            f"{self._path}: none of its {self.count:,} ids is an item of this study.",
            hint="Check that the file belongs to this study and uses the same id column.",
        )


def gold_columns(columns: Sequence[str], codebook: Codebook) -> Mapping[str, str]:
    """Find which column holds the gold labels of which variable: ``gold_theme`` or ``theme``."""
    found = {}
    for variable in codebook.variables:
        for name in (f"gold_{variable.name}", variable.name):
            if name in columns:
                found[variable.name] = name
                break
    return found


def read_gold(
    source: TableSource,
    *,
    codebook: Codebook,
    item_ids: Sequence[str],
    id_column: str | None,
    group_column: str | None = None,
    random_sample: bool = False,
    prices: Prices = REVIEW_ONLY,
) -> GoldLabels:
    """Read gold labels from a table and align them with the study's items.

    Empty cells are items without a gold label.

    Args:
        source: the table.
        codebook: of the study.
        item_ids: of the study's labeled items, in order.
        id_column: None guesses it by name.
        group_column: column by which to evaluate groups of items apart.
        random_sample: whether the items were drawn at random from all of the study.
        prices: of labels.

    Raises:
        TableError: no gold or group column, no gold label, a label that is no category, or no
            shared item.
    """
    path, table = path_of(source), KeyedTable.open(source, id_column=id_column)
    if table.id_column is None:
        raise no_ids_error(path)
    columns = gold_columns(table.columns, codebook)
    if not columns:
        wanted = ", ".join(f"gold_{variable.name}" for variable in codebook.variables)
        raise TableError(
            f"{path}: found no column with gold labels; expected one of {wanted}.",
            hint="Name each gold column after its variable.",
        )
    group_place = _group_place(path, table.columns, group_column)
    groups = None if group_place is None else np.full(len(item_ids), None, dtype=np.object_)
    positions = {item_id: position for position, item_id in enumerate(item_ids)}
    categories = {name: np.full(len(item_ids), -1, dtype=np.int16) for name in columns}
    named: set[str] = set()
    blank = dict.fromkeys(columns, 0)
    left_out = LeftOut(path)
    shared = 0
    readers = [
        (CategoryReader(path, codebook.variable(name), column), table.columns.index(column))
        for name, column in columns.items()
    ]
    for row in table.rows():
        position = positions.get(row.id)
        if position is None:
            left_out.add(row.number)
            continue
        shared += 1
        for reader, place in readers:
            index = reader.index(row.values[place], row_number=row.number)
            categories[reader.variable.name][position] = index
            blank[reader.variable.name] += index < 0
        if groups is not None and group_place is not None:
            groups[position] = row.values[group_place].strip()
            named.add(groups[position])
            if len(named) > MOST_GROUPS:
                raise TableError(
                    f'{path}, column "{group_column}": more than {MOST_GROUPS} different groups '
                    f"in the first {row.number:,} rows.",
                    hint="Name a column that parts the items; this one seems to hold ids or texts.",
                )
    if not shared:
        raise left_out.error()
    labeled, messages = _without_blank(path, categories, columns)
    return GoldLabels(
        labeled,
        left_out.count,
        groups,
        random_sample,
        blank,
        prices,
        (*left_out.messages(), *messages),
    )


def _without_blank(
    path: Path, categories: Mapping[str, NDArray[np.int16]], columns: Mapping[str, str]
) -> tuple[Mapping[str, NDArray[np.int16]], tuple[str, ...]]:
    """Leave out the variables that have no gold label at all; refuse when none has one."""
    labeled = {name: indices for name, indices in categories.items() if np.any(indices >= 0)}
    blank = [f'"{columns[name]}"' for name in categories if name not in labeled]
    if not labeled:
        raise TableError(
            f"{path.name}: no item of this study has a gold label; "
            f"{'these columns are' if len(blank) > 1 else 'this column is'} blank: "
            f"{', '.join(blank)}.",
            hint="Write a category of the codebook into each cell that has one.",
        )
    return labeled, tuple(
        f"{path.name}: column {column} is blank; nothing is compared with it." for column in blank
    )


def no_ids_error(path: Path) -> TableError:
    """Refuse to match by row: a believable wrong number for a file in another order."""
    return TableError(
        f"{path.name}: found no column with the ids of the items.",
        hint="Gold labels are matched by id, never by row: name the column with --id-column.",
    )


def _group_place(path: Path, columns: Sequence[str], name: str | None) -> int | None:
    if name is None:
        return None
    if name not in columns:
        raise TableError(
            f'{path}: there is no column "{name}" to group by.',
            hint=f"The columns are: {', '.join(columns)}.",
        )
    return columns.index(name)


@dataclass(frozen=True, slots=True)
class CategoryReader:
    """Reads the cells of one column as categories of one variable."""

    path: Path
    variable: Variable
    column: str

    def index(self, cell: str, *, row_number: int) -> int:
        """Find the category a cell names; -1 for an empty cell.

        Raises:
            TableError: it names no category.
        """
        name = cell.strip()
        if not name:
            return -1
        if name not in self.variable.answers:
            # As our own tables write a category that a spreadsheet would run as a formula.
            name = restore_formula(name)
        try:
            return self.variable.answers.index(name)
        except ValueError:
            raise TableError(
                f'{self.path}, row {row_number}, column "{self.column}": this is no category of '
                f'"{self.variable.name}", which has: {", ".join(self.variable.answers)}.',
                hint="Write gold labels exactly as the codebook names its categories.",
            ) from None
