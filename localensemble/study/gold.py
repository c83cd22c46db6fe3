"""Gold labels, aligned with the items of a study by item id.

Refuses a gold file whose labels are not categories, or that shares no item with the study,
because a comparison with the wrong file would give a believable wrong number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook
from localensemble.core.errors import TableError
from localensemble.core.options import Option
from localensemble.core.words import counted
from localensemble.study.category_cells import CategoryReader
from localensemble.tables.delimited import TableSource, path_of
from localensemble.tables.item_columns import id_option, named_id_columns
from localensemble.tables.item_file import ItemFile
from localensemble.tables.row_ids import KeyedTable
from localensemble.tables.table_files import open_item_table

# A text column named by mistake must not end up in a table of findings.
MOST_GROUPS = 50
_SHOWN_ROWS = 5
_BLOCK_ITEMS = 4096


@dataclass(frozen=True, slots=True)
class Prices:
    """The cost of an item labeled by all models and of one labeled by a person, in any unit."""

    person: Annotated[
        float,
        Option("Cost of one item labeled by a person, in any unit.", "--person-cost", least=0),
    ] = 1.0
    models: Annotated[
        float,
        Option(
            "Cost of one item labeled by all models, in the same unit.",
            "--model-cost",
            least=0,
        ),
    ] = 0.0


REVIEW_ONLY = Prices()
"""Prices under which the cost is the number of items that a person reads."""


@dataclass(frozen=True, slots=True, eq=False)
class GoldLabels:
    """Gold categories per variable, in study order.

    Attributes:
        categories: variable name -> int16 (N,), -1 for items without a gold label.
        items_not_in_study: gold rows with an id that the study does not have; they are left out.
        groups: (N,) text of the group column, None for items without a gold row; None if no
            group column was given.
        random_sample: whether the user states that the items were drawn at random from all
            items of the study. The file does not show it.
        blank_rows: variable name -> number of rows without a label.
        prices: prices of labels, to weigh a person's time against errors.
        shots: gold rows of items that the prompts show as examples; they are left out.
        messages: sentences about what was left out.
        texts: (N,) the text of each item with a gold label, None elsewhere; None if no texts
            were given.
        taught: (N,) whether the item's gold label trained a rater; None if that was not asked.
    """

    categories: Mapping[str, NDArray[np.int16]]
    items_not_in_study: int
    groups: NDArray[np.object_] | None = None
    random_sample: bool = False
    blank_rows: Mapping[str, int] = field(default_factory=dict)
    prices: Prices = REVIEW_ONLY
    shots: int = 0
    messages: tuple[str, ...] = ()
    texts: NDArray[np.object_] | None = field(default=None, repr=False)
    taught: NDArray[np.bool_] | None = None

    def with_texts(self, items: ItemFile) -> GoldLabels:
        """Return the same gold labels with the texts of their items.

        Args:
            items: the table that was labeled, of this study.
        """
        wanted = np.any([indices >= 0 for indices in self.categories.values()], axis=0)
        texts = np.full(len(wanted), None, dtype=np.object_)
        for block in items.blocks(_BLOCK_ITEMS):
            for row in block:
                if row.item.position < len(wanted) and wanted[row.item.position]:
                    texts[row.item.position] = row.item.text
        return replace(self, texts=texts)

    def refuse_shots(self, path: Path) -> None:
        """Refuse gold labels some of which became shots where a random sample is required.

        Shots are chosen by category, so what remains is not a random sample.

        Raises:
            TableError: the table has such rows.
        """
        if self.shots:
            raise TableError(
                f"{path.name}: {self.shots:,} of its items are shots, which the prompts show as "
                "examples. They were chosen by category, so the others are not a random sample.",
                hint="Draw other items with `localensemble sample`, and label them by hand.",
            )


class LeftOut:
    """Counts the rows of a table whose ids are not items of a study, and names the first ones."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._first: list[int] = []
        self.count = self.shots = 0

    def add(self, row_number: int, *, is_shot: bool = False) -> None:
        """Count a row; one that a prompt shows as an example is counted apart."""
        if is_shot:
            self.shots += 1
            return
        self.count += 1
        if len(self._first) < _SHOWN_ROWS:
            self._first.append(row_number)

    def messages(self) -> tuple[str, ...]:
        """Return sentences with their number and the first ones; empty if there are none."""
        messages: list[str] = []
        if self.count:
            shown = ", ".join(map(str, self._first))
            more = ", ..." if self.count > len(self._first) else ""
            messages.append(
                f"{self._path.name}: {self.count:,} rows ({shown}{more}) have an id that no "
                "labeled item has; they are left out."
            )
        if self.shots:
            messages.append(
                f"{self._path.name}: left out {counted(self.shots, 'item')} that the prompts show "
                "as examples (shots)."
            )
        return tuple(messages)

    def error(self) -> TableError:
        """Return the error that no row is about an item of the study."""
        return TableError(
            f"{self._path}: none of its {self.count + self.shots:,} ids is an item of this study.",
            hint="Check that the file belongs to this study and uses the same id column.",
        )


def gold_columns(columns: Sequence[str], codebook: Codebook) -> Mapping[str, str]:
    """Find the column with the gold labels of each variable: ``gold_theme`` or ``theme``."""
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
    shots: Collection[str] = (),
) -> GoldLabels:
    """Read gold labels from a table and align them with the study's items.

    Empty cells are items without a gold label.

    Args:
        source: the table.
        codebook: the codebook of the study.
        item_ids: ids of the study's labeled items, in order.
        id_column: the column with the ids, or several to combine; None guesses it by name.
        group_column: the column whose groups are evaluated separately.
        random_sample: whether the items were drawn at random from all items of the study.
        prices: prices of labels.
        shots: ids of items that the prompts show as examples; they are not items of the study.

    Raises:
        TableError: the table has no gold or group column, no gold label or no shared item, or
            a label is not a category; or a random sample has shots.
    """
    path, table = path_of(source), KeyedTable.open(source, id_column=id_column)
    if not table.id_columns:
        raise no_ids_error(table)
    columns = gold_columns(table.columns, codebook)
    if not columns:
        raise no_gold_columns_error(path, codebook)
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
            left_out.add(row.number, is_shot=row.id in shots)
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
                raise _too_many_groups_error(path, group_column, row.number)
    if not shared:
        raise left_out.error()
    labeled, messages = _without_blank(path, categories, columns)
    spelled = [message for reader, _ in readers for message in reader.messages()]
    read = [f"{path.name}: {message[0].lower()}{message[1:]}" for message in table.found]
    gold = GoldLabels(
        labeled,
        left_out.count,
        groups,
        random_sample,
        blank,
        prices,
        left_out.shots,
        (*read, *left_out.messages(), *messages, *spelled),
    )
    if random_sample:
        gold.refuse_shots(path)
    return gold


def _without_blank(
    path: Path, categories: Mapping[str, NDArray[np.int16]], columns: Mapping[str, str]
) -> tuple[Mapping[str, NDArray[np.int16]], tuple[str, ...]]:
    """Leave out the variables without gold labels; refuse if no variable has one."""
    labeled = {name: indices for name, indices in categories.items() if np.any(indices >= 0)}
    blank = [f'"{columns[name]}"' for name in categories if name not in labeled]
    if not labeled:
        raise TableError(
            f"{path.name}: no item of this study has a gold label; "
            f"{'these columns are' if len(blank) > 1 else 'this column is'} blank: "
            f"{', '.join(blank)}.",
            hint="Write a category of the codebook into each cell whose gold label is known.",
        )
    return labeled, tuple(
        f"{path.name}: column {column} is blank and is ignored." for column in blank
    )


def no_gold_columns_error(path: Path, codebook: Codebook) -> TableError:
    """Return the error that no column is named like a variable."""
    wanted = ", ".join(f"gold_{variable.name}" for variable in codebook.variables)
    return TableError(
        f"{path}: found no column with gold labels; expected one of {wanted}.",
        hint="Name each gold column after its variable.",
    )


def _too_many_groups_error(path: Path, column: str | None, row_number: int) -> TableError:
    return TableError(
        f'{path}, column "{column}": more than {MOST_GROUPS} different groups in the first '
        f"{row_number:,} rows.",
        hint="Name a column that groups the items; this one may hold ids or texts.",
    )


def no_ids_error(table: KeyedTable) -> TableError:
    """Return the error that ids are missing; matching by row would risk wrong numbers."""
    hint = "Gold labels are matched by id, never by row: name the column with --id-column."
    if table.proposed_id is not None:
        hint = (
            "Gold labels are matched by id, never by row: if column "
            f'"{table.proposed_id}" holds the ids, add `{id_option(table.proposed_id)}`.'
        )
    return TableError(f"{table.path.name}: found no column with item ids.", hint=hint)


def shared_id_column(source: TableSource, named: str | None) -> str | None:
    """Return the columns named for the ids of the items if a table of known labels has them too.

    None lets that table decide: a worksheet of `sample` has the ids in a column of its own.
    """
    if named is None:
        return None
    table = open_item_table(source)
    return named if set(named_id_columns(table, named)) <= set(table.columns) else None


def _group_place(path: Path, columns: Sequence[str], name: str | None) -> int | None:
    if name is None:
        return None
    if name not in columns:
        raise TableError(
            f'{path}: the table has no column "{name}" to group by.',
            hint=f"The columns are: {', '.join(columns)}.",
        )
    return columns.index(name)
